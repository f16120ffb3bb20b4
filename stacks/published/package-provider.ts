import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ComponentResource,
  type ComponentResourceOptions,
  InputPropertiesError,
  type Inputs,
} from "@pulumi/pulumi";
import type { ConstructResult, Provider } from "@pulumi/pulumi/provider/index.js";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import * as components from "./components.ts";
import { plainInputs } from "./plain-inputs.ts";

/** Takes arguments that were not checked yet. */
type Component = new (name: string, args: never, options: ComponentResourceOptions) => ComponentResource;

/** What of the package's schema is read here. */
interface PackageSchema {
  readonly version: string;
  readonly resources: Readonly<Record<string, { readonly properties: Readonly<Record<string, unknown>> }>>;
}

/**
 * Serves the components of the package to the engine, with the schema that lies beside it. The SDK's own host for components
 * infers a schema anew from types with every start, which knows no defaults and no ranges, and takes a compiler and ten seconds.
 */
export class PackageProvider implements Provider {
  readonly schema = readFileSync(join(import.meta.dirname, "schema.json"), "utf8");
  readonly #parsed: PackageSchema = JSON.parse(this.schema);
  readonly version = this.#parsed.version;

  /** @throws InputPropertiesError with every problem of the inputs, by its key */
  readonly construct = async (
    name: string,
    type: string,
    inputs: Inputs,
    options: ComponentResourceOptions,
  ): Promise<ConstructResult> => {
    const described = this.#parsed.resources[type];
    const Made = (components as unknown as Record<string, Component>)[type.split(":").at(-1) ?? ""];
    if (described === undefined || Made === undefined) {
      throw new Error(`${type}: no such component; expected one of ${Object.keys(this.#parsed.resources).join(", ")}`);
    }
    const args = await plainInputs(inputs);
    const component = withProblemsByKey(() => new Made(name, args as never, options));
    const outputs = component as unknown as Record<string, unknown>;
    const state = Object.keys(described.properties).map((key) => [key, outputs[key]]);
    return { urn: component.urn, state: Object.fromEntries(state) };
  };
}

/** Tells problems of a configuration as the engine takes those of inputs. */
function withProblemsByKey<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const errors = error.problems.map((problem) => {
      const [propertyPath = "", ...reason] = problem.split(": ");
      return { propertyPath, reason: reason.join(": ") };
    });
    throw new InputPropertiesError({ message: "the arguments cannot be used", errors });
  }
}
