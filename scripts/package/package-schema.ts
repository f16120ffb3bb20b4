/** The schema of the package in `stacks/published`: what the engine, SDK generators and editors of others see of its components. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environments } from "@pulumi-canton/components/deployment/deployment.ts";
import { z } from "zod";
import { awsPresets } from "../../stacks/aws/presets.ts";
import { azurePresets } from "../../stacks/azure/presets.ts";
import { gcpPresets } from "../../stacks/gcp/presets.ts";
import { awsInfrastructureArgs } from "../../stacks/published/aws-infrastructure.ts";
import { azureInfrastructureArgs } from "../../stacks/published/azure-infrastructure.ts";
import { gcpInfrastructureArgs } from "../../stacks/published/gcp-infrastructure.ts";
import { root } from "../environment/paths.ts";
import { type ComponentDocs, readComponentDocs } from "./component-docs.ts";

/** A component and where its schema comes from. */
export interface PublishedComponent {
  readonly name: string;
  /** Start of the names of its types. */
  readonly cloud: string;
  /** What checks its arguments. */
  readonly args: z.ZodObject;
  /** What arguments are that are left out, by environment. */
  readonly presets: Readonly<Record<(typeof environments)[number], object>>;
}

/** The components of the package. */
export const publishedComponents: readonly PublishedComponent[] = [
  { name: "AwsInfrastructure", cloud: "Aws", args: awsInfrastructureArgs, presets: awsPresets },
  { name: "AzureInfrastructure", cloud: "Azure", args: azureInfrastructureArgs, presets: azurePresets },
  { name: "GcpInfrastructure", cloud: "Gcp", args: gcpInfrastructureArgs, presets: gcpPresets },
];

/** A type in a package's schema; see https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/. */
export interface TypeSpec {
  readonly type?: "string" | "integer" | "number" | "boolean" | "array" | "object";
  readonly $ref?: string;
  readonly items?: TypeSpec;
  readonly additionalProperties?: TypeSpec;
  /** The value itself, no output: what is made follows from it. */
  readonly plain?: true;
}

/** A property in a package's schema. */
export interface PropertySpec extends TypeSpec {
  readonly description?: string;
  readonly default?: string | number | boolean;
}

/** A section, or a choice among values, in a package's schema. */
export interface NamedTypeSpec {
  readonly type: "object" | "string" | "integer";
  readonly description?: string;
  readonly properties?: Readonly<Record<string, PropertySpec>>;
  readonly required?: readonly string[];
  readonly enum?: readonly { readonly name: string; readonly value: string | number }[];
}

/** A component in a package's schema. */
export interface ComponentSpec {
  readonly description: string;
  readonly isComponent: true;
  readonly inputProperties: Readonly<Record<string, PropertySpec>>;
  readonly requiredInputs: readonly string[];
  readonly properties: Readonly<Record<string, PropertySpec>>;
  readonly required: readonly string[];
}

/** A package's schema. */
export interface PackageSpec {
  readonly name: string;
  readonly version: string;
  readonly resources: Readonly<Record<string, ComponentSpec>>;
  readonly types: Readonly<Record<string, NamedTypeSpec>>;
}

/** Start of every name in the schema. */
export const module = "pulumi-canton:index:";

type Json = z.core.JSONSchema.JSONSchema;

/** Makes the schema from what checks the arguments, and from doc comments. */
export function packageSchema(): PackageSpec {
  const { name, version } = JSON.parse(readFileSync(join(root, "stacks", "published", "package.json"), "utf8"));
  const { description, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const docs = readComponentDocs("stacks/published/components.ts");
  const types = new Map<string, NamedTypeSpec>();
  const resources = publishedComponents.map((component) => {
    const its = docs.get(component.name);
    if (its === undefined)
      throw new Error(`${component.name}: stacks/published/components.ts exports no such component`);
    return [`${module}${component.name}`, new ComponentSchema(component, its, types).spec()] as const;
  });
  const languages = ["csharp", "go", "java", "nodejs", "python"];
  return {
    name,
    version,
    description,
    license,
    language: Object.fromEntries(languages.map((language) => [language, { respectSchemaVersion: true }])),
    config: {},
    resources: Object.fromEntries(resources),
    types: Object.fromEntries([...types].sort(([a], [b]) => (a < b ? -1 : 1))),
  } as PackageSpec;
}

class ComponentSchema {
  readonly #component: PublishedComponent;
  readonly #docs: ComponentDocs;
  readonly #types: Map<string, NamedTypeSpec>;

  /** @param types those of the package, to which the component's are added */
  constructor(component: PublishedComponent, docs: ComponentDocs, types: Map<string, NamedTypeSpec>) {
    this.#component = component;
    this.#docs = docs;
    this.#types = types;
  }

  spec(): ComponentSpec {
    const { properties, required } = this.#section(inputSchema(this.#component.args), []);
    const outputs = [...this.#docs.outputs].map(([name, description]) => {
      return [name, { $ref: "pulumi.json#/Any", description }] as const;
    });
    return {
      description: this.#docs.description,
      isComponent: true,
      inputProperties: properties,
      requiredInputs: required,
      properties: Object.fromEntries(outputs),
      required: outputs.map(([name]) => name).sort(),
    };
  }

  #section(section: Json, path: readonly string[]) {
    const { required = [] } = section;
    const properties = Object.entries(section.properties ?? {}).map(([key, value]) => {
      return [key, this.#property(value as Json, [...path, key], required.includes(key))] as const;
    });
    return { properties: Object.fromEntries(properties.sort(byName)), required: [...required].sort() };
  }

  #sectionType(value: Json, path: readonly string[]): NamedTypeSpec {
    const { properties, required } = this.#section(value, path);
    // The engine leaves out an empty list, too.
    return { type: "object", properties, ...(required.length > 0 && { required }) };
  }

  #property(value: Json, path: readonly string[], isRequired: boolean): PropertySpec {
    const given = value.default;
    const whenLeftOut = isRequired ? undefined : this.#defaultInWords(value, path);
    return {
      ...this.#type(value, path),
      description: [this.#comment(path), rangeOf(value), whenLeftOut].filter(Boolean).join(" "),
      ...(isScalar(given) && { default: given }),
    };
  }

  #type(value: Json, path: readonly string[]): TypeSpec {
    if (value.enum !== undefined) return this.#named(path, choiceOf(value.enum, path));
    switch (value.type) {
      case "string":
      case "integer":
      case "number":
      case "boolean":
        return { type: value.type, plain: true };
      case "array":
        return { type: "array", items: this.#type(value.items as Json, path), plain: true };
      case "object":
        if (value.properties !== undefined) return this.#named(path, this.#sectionType(value, path));
        if (typeof value.additionalProperties !== "object") break;
        return { type: "object", additionalProperties: this.#type(value.additionalProperties, path), plain: true };
    }
    throw new Error(`${path.join(".")}: a package's schema has no type for ${JSON.stringify(value)}`);
  }

  #named(path: readonly string[], type: NamedTypeSpec): TypeSpec {
    const token = `${module}${this.#component.cloud}${path.map(capitalised).join("")}`;
    this.#types.set(token, { description: this.#comment(path), ...type });
    return { $ref: `#/types/${token}`, plain: true };
  }

  #comment(path: readonly string[]): string {
    const comment = this.#docs.args.get(path.join("."));
    if (!comment) throw new Error(`${this.#component.name}: ${path.join(".")}: has no doc comment`);
    return comment;
  }

  /** What it is when it is left out, where the comment does not say it: the default, or what the presets say. */
  #defaultInWords(value: Json, path: readonly string[]): string | undefined {
    const isSection = value.properties !== undefined && value.default !== undefined;
    if (isSection || /\bdefault\b/i.test(this.#comment(path))) return undefined;
    if (value.default !== undefined) return `Default: ${inWords(value.default)}.`;
    const presets = environments.map((environment) => valueAt(this.#component.presets[environment], path));
    if (presets.every((preset) => preset === undefined)) return undefined;
    const words = presets.map(inWords);
    if (new Set(words).size === 1) return `Default: ${words[0]}.`;
    return `Default: ${environments.map((environment, index) => `${words[index]} in ${environment}`).join(", ")}.`;
  }
}

/** What a schema accepts, before defaults and transformations. */
function inputSchema(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    io: "input",
    override: ({ zodSchema: { _zod: inner }, jsonSchema }) => {
      // Left out by zod where a value is transformed.
      if (inner.def.type === "default") jsonSchema.default = inner.def.defaultValue as Json["default"];
    },
  }) as Json;
}

function choiceOf(values: readonly unknown[], path: readonly string[]): NamedTypeSpec {
  return {
    type: values.every(Number.isInteger) ? "integer" : "string",
    enum: (values as (string | number)[]).map((value) => {
      const words = String(value)
        .split(/[^A-Za-z0-9]+/)
        .map(capitalised)
        .join("");
      // A name starts with a letter in every language.
      return { name: /^\d/.test(words) ? `${capitalised(path.at(-1) ?? "")}${words}` : words, value };
    }),
  };
}

function rangeOf({ type, minimum, maximum }: Json): string | undefined {
  const isNumber = type === "integer" || type === "number";
  if (!isNumber || minimum === undefined || maximum === undefined) return undefined;
  return `From ${minimum} to ${maximum}.`;
}

function inWords(value: unknown): string {
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  if (value === undefined || isEmpty) return "none";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
}

const isScalar = (value: unknown): value is string | number | boolean =>
  ["string", "number", "boolean"].includes(typeof value);
const capitalised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1);
