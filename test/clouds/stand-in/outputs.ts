/** Outputs of a resource: what was given, what its cloud makes up, and for the rest something of the right type. */
import type { Properties, Shape } from "../schema/schema.ts";
import { type Cloud, digits, type Making, numberBelow } from "./clouds/cloud.ts";
import { isSecret, secret, secretValue, unknown, type Values } from "./wire.ts";

/** Nested objects deeper than this stay as they were given. */
const deepest = 4;

/**
 * All outputs of a resource that is there.
 *
 * @param inputs as they came, with marks of secrets
 * @param told what is known from elsewhere, which nothing has to be made up for
 */
export async function outputsOf(
  cloud: Cloud,
  making: Making & { readonly id: string },
  inputs: Values,
  told: Values = {},
): Promise<Values> {
  const made = { ...(await cloud.outputs(making)), ...told };
  const known = { ...inputs, ...keepSecrets(made, inputs) };
  return filledIn(making, known, (property, shape) => valueFor(cloud, making, property, shape));
}

/** Outputs of a resource that a preview would make: what was not given is unknown. */
export function outputsInPreview(making: Making, inputs: Values): Values {
  return filledIn(making, inputs, () => unknown);
}

/** What the cloud made of a secret input is secret too. */
function keepSecrets(made: Values, inputs: Values): Values {
  return Object.fromEntries(
    Object.entries(made).map(([name, value]) => [
      name,
      isSecret(inputs[name]) && !isSecret(value) ? secret(value) : value,
    ]),
  );
}

type Missing = (property: string, shape: Shape) => unknown;

function filledIn({ schema }: Making, given: Values, missing: Missing): Values {
  if (schema === undefined) return given;
  const fill = (properties: Properties, values: Values, depth: number): Values => {
    const added = Object.entries(properties).flatMap(([name, { shape, optional }]) => {
      const value = values[name];
      if (value !== undefined && value !== null) return [[name, deeper(shape, value, depth)]];
      return optional ? [] : [[name, fillMissing(shape, name, depth)]];
    });
    return { ...values, ...Object.fromEntries(added) };
  };
  const deeper = (shape: Shape, value: unknown, depth: number): unknown => {
    if (isSecret(value)) return secret(deeper(shape, value.value, depth));
    if (depth >= deepest || typeof value !== "object" || value === null) return value;
    if (shape.kind === "object" && !Array.isArray(value))
      return fill(schema.objects[shape.name] ?? {}, value as Values, depth + 1);
    if (shape.kind === "array" && Array.isArray(value))
      return value.map((item) => deeper(shape.items, item, depth + 1));
    return value;
  };
  const fillMissing = (shape: Shape, name: string, depth: number): unknown => {
    const value = missing(name, shape);
    const nested = shape.kind === "object" && value !== unknown && depth < deepest;
    return nested ? fill(schema.objects[shape.name] ?? {}, (value ?? {}) as Values, depth + 1) : value;
  };
  return fill(schema.outputs, given, 0);
}

function valueFor(cloud: Cloud, making: Making & { readonly id: string }, property: string, shape: Shape): unknown {
  switch (shape.kind) {
    case "string":
    case "any":
      return cloud.text(making, property) ?? textFor(making, property);
    case "number":
      return /port$/i.test(property) ? 443 : 0;
    case "boolean":
      return false;
    case "enum":
      return shape.values[0];
    case "array":
      return [];
    case "map":
    case "object":
      return {};
    case "union": {
      const [first] = shape.of;
      return first === undefined ? undefined : valueFor(cloud, making, property, first);
    }
  }
}

/** A text that looks like what its name says. */
function textFor({ seed, name, inputs, id }: Making & { readonly id: string }, property: string): string {
  const given = secretValue(inputs["name"]);
  if (property === "name") return typeof given === "string" ? given : name;
  if (property === "id") return id;
  if (/(address|ip)$/i.test(property)) return `10.${numberBelow(256, seed)}.${numberBelow(256, seed, property)}.4`;
  if (/(endpoint|uri|url)$/i.test(property)) return `https://${name}-${digits(seed, 6)}.stand-in.example`;
  if (/(host|hostname|fqdn|dnsName|domainName)$/i.test(property)) return `${name}-${digits(seed, 6)}.stand-in.example`;
  if (/(time|date|timestamp|createdAt)$/i.test(property)) return "2026-01-01T00:00:00Z";
  return `${property}-${digits(seed, 8, property)}`;
}
