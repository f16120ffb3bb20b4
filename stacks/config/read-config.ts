/** From the engine's configuration to a checked one, and from resources to outputs: what all templates do. */
import { dirname, join, resolve } from "node:path";
import { getProject, getStack, type Output, RunError, recover, runtime } from "@pulumi/pulumi";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";

/**
 * The stack's configuration.
 *
 * @param check throws ConfigError with every problem
 * @throws RunError naming the file
 */
export function readConfig<Config>(check: (given: Readonly<Record<string, unknown>>) => Config): Config {
  try {
    return check(givenConfig());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw notRight(error.message);
  }
}

/** The stack's configuration as it was given: by key, without the project's name before it. */
export function givenConfig(): Readonly<Record<string, unknown>> {
  const prefix = `${getProject()}:`;
  return Object.fromEntries(
    Object.entries(runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix) && key !== `${prefix}template`)
      .map(([key, text]) => [key.slice(prefix.length), valueOf(text)]),
  );
}

/** A mistake in the configuration, told before anything is changed. */
export function notRight(message: string): RunError {
  return new RunError(`${configFile()} is not right:\n${message}`);
}

/** Name of the stack's configuration file. */
export function configFile(): string {
  return `Pulumi.${getStack()}.yaml`;
}

/** The absolute path of a file that the configuration names: relative ones are relative to the configuration file. */
export function fileInConfig(file: string): string {
  const config = process.env["CANTON_CONFIG"];
  return resolve(config ? dirname(resolve(config)) : join(import.meta.dirname, "..", ".."), file);
}

/** Structured values and plain ones alike: the engine hands all of them over as text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What a resource gave out, or nothing where it failed: the outputs of those that stand are still told. */
export function standing<T>(value: Output<T>): Output<T | undefined> {
  return recover<T | undefined>(value, () => undefined);
}

/** As {@link standing}, for each. */
export function eachStanding<T>(values: Readonly<Record<string, Output<T>>>): Record<string, Output<T | undefined>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, standing(value)]));
}
