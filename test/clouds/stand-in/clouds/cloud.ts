/** What the stand-in knows of a cloud besides the schemas of its SDK. */
import { createHash } from "node:crypto";
import type { ResourceSchema } from "../../schema/schema.ts";
import type { Values } from "../wire.ts";

/** A resource that is being made or changed. */
export interface Making {
  readonly token: string;
  /** The resource's name in the program. */
  readonly name: string;
  /** Absent for a type that no SDK declares: a custom resource of Kubernetes. */
  readonly schema: ResourceSchema | undefined;
  /** Without marks of secrets. */
  readonly inputs: Values;
  /** Different for each resource, and the same for as long as it lives. */
  readonly seed: string;
  /** Its outputs until now; empty for a new one. */
  readonly before: Values;
}

/** One of the packages. */
export interface Cloud {
  /** Path of the input that gets a name if the program gives none. Example: `metadata.name`. */
  autoName(token: string, schema: ResourceSchema | undefined): string | undefined;
  /** The name it gets. */
  nameFrom(name: string, suffix: string): string;
  /** Paths of inputs that cannot be changed: a change is a replacement. `*` stands for all. */
  createOnly(token: string, schema: ResourceSchema | undefined): readonly string[];
  /** Why the cloud refuses a change that replaces nothing. Default: it refuses none. */
  refuses?(token: string, before: Values, after: Values): string | undefined;
  /** What the cloud calls it. */
  id(making: Making): string;
  /** What nothing else of its type can have at the same time. Undefined where there may be any number of the same. */
  occupies(making: Making): string | undefined;
  /** Outputs of which programs need more than something of the right type. */
  outputs(making: Making & { readonly id: string }): Values | Promise<Values>;
  /** A text for an output that is of no special kind. */
  text(making: Making & { readonly id: string }, property: string): string | undefined;
  /** Whether a resource is inside another, which takes it along when it is deleted. Default: nothing is. */
  contains?(id: string, other: string): boolean;
  /** What other resources may use it by, besides its id. */
  handles(id: string, outputs: Values): readonly string[];
}

/** Hexadecimal digits that follow from a seed. */
export function digits(seed: string, length: number, use = ""): string {
  let text = "";
  for (let part = 0; text.length < length; part += 1) {
    text += createHash("sha256").update(`${seed} ${use} ${part}`).digest("hex");
  }
  return text.slice(0, length);
}

/** A number below a limit that follows from a seed. */
export function numberBelow(limit: number, seed: string, use = ""): number {
  return Number.parseInt(digits(seed, 8, use), 16) % limit;
}

/** A UUID that follows from a seed. */
export function uuid(seed: string, use = ""): string {
  const text = digits(seed, 32, `uuid ${use}`);
  return [text.slice(0, 8), text.slice(8, 12), `4${text.slice(13, 16)}`, `8${text.slice(17, 20)}`, text.slice(20)].join(
    "-",
  );
}

/** An input that is a text. */
export function textIn(values: Values, property: string): string | undefined {
  const value = values[property];
  return typeof value === "string" ? value : undefined;
}

/** `eks/cluster:Cluster` of `aws:eks/cluster:Cluster`. */
export function typeIn(token: string): string {
  return token.slice(token.indexOf(":") + 1);
}
