/** What a cloud's SDK says of a resource type. */

/** What a value looks like. */
export type Shape =
  | { readonly kind: "string" | "number" | "boolean" | "any" }
  /** `open`: the cloud may know more values than the SDK. */
  | { readonly kind: "enum"; readonly values: readonly (string | number)[]; readonly open: boolean }
  | { readonly kind: "array"; readonly items: Shape }
  | { readonly kind: "map"; readonly values: Shape }
  /** The name of an entry in {@link ResourceSchema.objects}. */
  | { readonly kind: "object"; readonly name: string }
  | { readonly kind: "union"; readonly of: readonly Shape[] };

/** A property of a resource or of a nested object. */
export interface Property {
  readonly shape: Shape;
  readonly optional: boolean;
}

/** Properties by name. */
export type Properties = Readonly<Record<string, Property>>;

/** One resource type. */
export interface ResourceSchema {
  /** What the engine calls it. Example: `aws:eks/cluster:Cluster`. */
  readonly token: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
  /** Nested objects, of inputs and outputs. */
  readonly objects: Readonly<Record<string, Properties>>;
  /** Inputs of which the SDK's documentation says that a change replaces the resource. It does not say it of all. */
  readonly documentedReplacements: readonly string[];
  /** What an id looks like, where the SDK's documentation tells. Example: `projects/{{project}}/global/networks/{{name}}`. */
  readonly idTemplate?: string;
}
