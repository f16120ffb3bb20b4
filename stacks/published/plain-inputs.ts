import { InputPropertiesError, type Inputs, Output } from "@pulumi/pulumi";

/** What an output that arrives by the engine knows of itself; no part of what the SDK declares. */
interface Arrived {
  readonly isKnown: Promise<boolean>;
  readonly isSecret: Promise<boolean>;
  promise(): Promise<unknown>;
}

/** Keys whose values cannot be used. */
interface Refused {
  readonly secret: string[];
  readonly unknown: string[];
}

/**
 * The values of a component's inputs, which have to be there before anything is made, since what is made follows from them.
 *
 * @throws Error naming keys whose values are secrets: they would be seen in names
 * @throws InputPropertiesError naming keys whose values are not known yet
 */
export async function plainInputs(inputs: Inputs): Promise<Record<string, unknown>> {
  const refused: Refused = { secret: [], unknown: [] };
  const values = (await plain(inputs, "", refused)) as Record<string, unknown>;
  // Not as a problem of an input: the engine would repeat its value beside it.
  if (refused.secret.length > 0) {
    throw new Error(
      `${refused.secret.join(", ")}: got a secret; expected a value in the clear: names of resources follow from it`,
    );
  }
  if (refused.unknown.length > 0) {
    const reason = "is not known before another resource is made; expected a value that the program has by itself";
    const errors = refused.unknown.map((propertyPath) => ({ propertyPath, reason }));
    throw new InputPropertiesError({ message: "expected plain values", errors });
  }
  return values;
}

async function plain(value: unknown, key: string, refused: Refused): Promise<unknown> {
  if (Output.isInstance(value)) {
    const arrived = value as unknown as Arrived;
    if (await arrived.isSecret) return void refused.secret.push(key);
    if (!(await arrived.isKnown)) return void refused.unknown.push(key);
    return plain(await arrived.promise(), key, refused);
  }
  if (Array.isArray(value)) {
    return Promise.all(value.map((entry, index) => plain(entry, `${key}[${index}]`, refused)));
  }
  if (typeof value !== "object" || value === null) return value;
  const below = (name: string) => (key === "" ? name : `${key}.${name}`);
  const entries = Object.entries(value).map(async ([name, entry]) => [name, await plain(entry, below(name), refused)]);
  return Object.fromEntries(await Promise.all(entries));
}
