/** Holds the inputs of a resource against its schema. Pure. */
import { isUnknown, secretValue } from "../stand-in/wire.ts";
import type { Properties, ResourceSchema, Shape } from "./schema.ts";

/** An input that is not right. */
export interface Problem {
  /** Example: `vpcConfig.subnetIds[0]`. */
  readonly path: string;
  /** Example: `is unknown; expected one of …`. */
  readonly reason: string;
}

/** What a check found. */
export interface Findings {
  /** What the cloud would refuse. */
  readonly problems: readonly Problem[];
  /** Values that the SDK does not know, of an enum that the cloud may have extended. */
  readonly warnings: readonly Problem[];
}

/** Checks the inputs of a resource: all that is required is there, nothing is unknown, types and enums fit. */
export function checkInputs(schema: ResourceSchema, inputs: Readonly<Record<string, unknown>>): Findings {
  const check = new Check(schema);
  check.properties("", schema.inputs, inputs);
  return check;
}

class Check implements Findings {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #schema: ResourceSchema;

  constructor(schema: ResourceSchema) {
    this.#schema = schema;
  }

  properties(path: string, properties: Properties, values: Readonly<Record<string, unknown>>): void {
    const at = (name: string) => (path === "" ? name : `${path}.${name}`);
    for (const [name, value] of Object.entries(values)) {
      const property = properties[name];
      if (property !== undefined) this.#value(at(name), property.shape, value);
      else if (!name.startsWith("__")) {
        const known = Object.keys(properties).sort().join(", ");
        this.#refuse(at(name), `is unknown; expected ${known === "" ? "no properties" : `one of ${known}`}`);
      }
    }
    for (const [name, { shape, optional }] of Object.entries(properties)) {
      if (!optional && (values[name] ?? undefined) === undefined) {
        this.#refuse(at(name), `is missing; expected ${this.#describe(shape)}`);
      }
    }
  }

  #value(path: string, shape: Shape, given: unknown): void {
    const value = secretValue(given);
    if (isUnknown(value) || value === null || value === undefined) return;
    switch (shape.kind) {
      case "any":
        return;
      case "enum":
        if (shape.values.includes(value as string)) return;
        if (!shape.open) this.#refuse(path, `is ${show(value)}; expected ${this.#describe(shape)}`);
        else if (typeof value !== "string") this.#wrongType(path, shape, value);
        else
          this.warnings.push({
            path,
            reason: `is ${show(value)}; known are ${[...new Set(shape.values)].map(show).join(", ")}`,
          });
        return;
      case "array":
        if (!Array.isArray(value)) return this.#wrongType(path, shape, value);
        value.forEach((item, index) => this.#value(`${path}[${index}]`, shape.items, item));
        return;
      case "map":
        if (!isObject(value)) return this.#wrongType(path, shape, value);
        for (const [key, item] of Object.entries(value)) this.#value(`${path}[${show(key)}]`, shape.values, item);
        return;
      case "object":
        if (!isObject(value)) return this.#wrongType(path, shape, value);
        this.properties(path, this.#schema.objects[shape.name] ?? {}, value);
        return;
      case "union":
        return this.#union(path, shape.of, value);
      default:
        if (typeof value !== shape.kind) this.#wrongType(path, shape, value);
    }
  }

  /** One of the shapes has to fit; of several that do not, what the nearest one is missing is told. */
  #union(path: string, shapes: readonly Shape[], value: unknown): void {
    const tried = shapes.map((shape) => {
      const check = new Check(this.#schema);
      check.#value(path, shape, value);
      return check;
    });
    const fits = tried.find(({ problems }) => problems.length === 0);
    if (fits !== undefined) this.warnings.push(...fits.warnings);
    else if (!isObject(value)) this.#wrongType(path, { kind: "union", of: shapes }, value);
    else this.problems.push(...(tried.sort((a, b) => a.problems.length - b.problems.length)[0]?.problems ?? []));
  }

  #wrongType(path: string, shape: Shape, value: unknown): void {
    this.#refuse(
      path,
      `is ${Array.isArray(value) ? "an array" : isObject(value) ? "an object" : show(value)}; expected ${this.#describe(shape)}`,
    );
  }

  #refuse(path: string, reason: string): void {
    this.problems.push({ path, reason });
  }

  #describe(shape: Shape): string {
    switch (shape.kind) {
      case "any":
        return "a value";
      case "enum":
        return `${shape.open ? "a string such as" : shape.values.length === 1 ? "" : "one of"} ${shape.values.map(show).join(", ")}`.trim();
      case "array":
        return `an array, each ${this.#describe(shape.items)}`;
      case "map":
        return `an object, each value ${this.#describe(shape.values)}`;
      case "object":
        return `an object with ${Object.keys(this.#schema.objects[shape.name] ?? {})
          .sort()
          .join(", ")}`;
      case "union":
        return shape.of.map((each) => this.#describe(each)).join(" or ");
      default:
        return `a ${shape.kind}`;
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
