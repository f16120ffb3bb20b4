/** The package's schema against what checks the arguments when they arrive. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { holdsSecret } from "@pulumi-canton/runtime/config.ts";
import { beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { root } from "../environment/paths.ts";
import {
  module,
  type PackageSpec,
  type PropertySpec,
  packageSchema,
  publishedComponents,
  type TypeSpec,
} from "./package-schema.ts";

const file = join(root, "stacks", "published", "schema.json");
const kept: PackageSpec = JSON.parse(readFileSync(file, "utf8"));

describe("the schema that is kept", () => {
  let made: PackageSpec;
  beforeAll(() => {
    made = packageSchema();
    if (process.env["UPDATE_GOLDEN"]) writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
  }, 120_000);

  test("is the one that is made of the templates' configuration", () => {
    const message =
      "what others see of the package has changed: UPDATE_GOLDEN=1 takes it over, npm run format makes it pretty";
    expect(JSON.parse(readFileSync(file, "utf8")), message).toEqual(JSON.parse(JSON.stringify(made)));
  });
});

/** The part of a zod definition that says what is accepted. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly out?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
  readonly format?: string;
  readonly defaultValue?: unknown;
}

interface Accepted {
  readonly definition: Definition;
  readonly optional: boolean;
  readonly default: unknown;
}

/** What a schema accepts, without what surrounds it. */
function accepted(schema: z.core.$ZodType): Accepted {
  const definition = schema._zod.def as unknown as Definition;
  const { type, innerType, in: before, out } = definition;
  if (type === "pipe" && before !== undefined && out !== undefined) {
    const isPreprocessed = (before._zod.def as unknown as Definition).type === "transform";
    return accepted(isPreprocessed ? out : before);
  }
  if (innerType === undefined) return { definition, optional: false, default: undefined };
  const inner = accepted(innerType);
  return { ...inner, optional: true, ...(type === "default" && { default: definition.defaultValue }) };
}

const typeAt = (ref: string | undefined) => kept.types[ref?.replace("#/types/", "") ?? ""];

/** What differs between a schema of zod and a type of the package, each with its path. */
function differences(schema: z.core.$ZodType, spec: TypeSpec | undefined, path: string): string[] {
  if (spec === undefined) return [`${path}: missing`];
  const { definition } = accepted(schema);
  const { type, shape, element, valueType, entries, values = Object.values(entries ?? {}), format } = definition;
  const problem = (what: string) => [`${path}: ${what}, but the package has ${JSON.stringify(spec)}`];
  if (spec.plain !== true) return problem("has to be known before anything is made");
  if (shape !== undefined) return sections(shape, typeAt(spec.$ref) ?? {}, `${path}.`);
  if (element !== undefined)
    return spec.type === "array" ? differences(element, spec.items, `${path}[]`) : problem(type);
  if (valueType !== undefined) return differences(valueType, spec.additionalProperties, `${path}{}`);
  if (values.length > 0) {
    const choice = typeAt(spec.$ref)?.enum?.map(({ value }) => value);
    return JSON.stringify(choice) === JSON.stringify(values) ? [] : problem(`one of ${values}`);
  }
  const scalar = format === "safeint" ? "integer" : type;
  return spec.type === scalar ? [] : problem(scalar);
}

function sections(
  shape: Readonly<Record<string, z.core.$ZodType>>,
  {
    properties = {},
    required = [],
  }: { properties?: Readonly<Record<string, PropertySpec>>; required?: readonly string[] },
  path: string,
): string[] {
  const keys = new Set([...Object.keys(shape), ...Object.keys(properties)]);
  return [...keys].flatMap((key) => {
    const schema = shape[key];
    const spec = properties[key];
    if (schema === undefined) return [`${path}${key}: nothing accepts it`];
    const { optional, default: standard } = accepted(schema);
    const isScalar = standard !== undefined && typeof standard !== "object";
    return [
      ...differences(schema, spec, `${path}${key}`),
      ...(required.includes(key) === optional ? [`${path}${key}: ${optional ? "may" : "must not"} be left out`] : []),
      ...(spec?.default === (isScalar ? standard : undefined) ? [] : [`${path}${key}: default ${standard}`]),
      ...(standard === undefined || /default/i.test(spec?.description ?? "")
        ? []
        : [`${path}${key}: no word of its default`]),
    ];
  });
}

describe.each(publishedComponents)("$name", ({ name, args }) => {
  const spec = kept.resources[`${module}${name}`];

  test("has every argument that is accepted, and no other, with its type, choices and default", () => {
    expect(
      sections(args.shape, { properties: spec?.inputProperties ?? {}, required: spec?.requiredInputs ?? [] }, ""),
    ).toEqual([]);
  });
});

test("no argument is for a secret: arguments are in the state in the clear", () => {
  const sections = [
    ...Object.values(kept.resources).map((each) => each.inputProperties),
    ...Object.values(kept.types).map((each) => each.properties ?? {}),
  ];
  expect(sections.flatMap((each) => Object.keys(each)).filter(holdsSecret)).toEqual([]);
});

test("every property and every type says what it is", () => {
  const texts = [
    ...Object.values(kept.resources).flatMap(({ inputProperties, properties }) => [
      ...Object.entries(inputProperties),
      ...Object.entries(properties),
    ]),
    ...Object.entries(kept.types).flatMap(([name, type]) => [
      [name, type] as const,
      ...Object.entries(type.properties ?? {}),
    ]),
  ];
  expect(texts.length).toBeGreaterThan(200);
  expect(texts.filter(([, { description }]) => !description).map(([name]) => name)).toEqual([]);
});

test("names of choices start with a letter and are told apart, in every language", () => {
  const choices = Object.values(kept.types).flatMap((type) => (type.enum === undefined ? [] : [type.enum]));
  expect(choices.length).toBeGreaterThan(10);
  for (const choice of choices) {
    const names = choice.map(({ name }) => name);
    for (const name of names) expect(name).toMatch(/^[A-Z][A-Za-z0-9]*$/);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
  }
});
