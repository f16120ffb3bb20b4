/** Asks policies about resources the way the engine's SDK does. */
import type { PolicyResource, PolicyResourceOptions } from "@pulumi/policy";
import { expect, test } from "vitest";
import type { CantonPolicy, Environment } from "../policy.ts";
import type { Properties } from "../properties.ts";
import { unknownCheckingProxy } from "./unknown-proxy.ts";

/** How the engine writes a value that a preview does not know yet. */
export const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A resource to ask about. */
export interface Resource {
  readonly type: string;
  readonly props: Properties;
  /** Default: `resource`. */
  readonly name?: string;
  readonly protect?: boolean;
  readonly provider?: Properties;
  /** Names of resources by the property that takes something from them. */
  readonly takes?: Readonly<Record<string, string>>;
  /** Name of the resource that it belongs to. */
  readonly parent?: string;
}

/** Configuration of the policy; the environment is production unless it says otherwise. */
export interface Asking {
  readonly environment?: Environment;
  readonly [key: string]: unknown;
}

/** What a policy says of one resource. */
export async function violations(policy: CantonPolicy, resource: Resource, config: Asking = {}): Promise<string[]> {
  const messages: string[] = [];
  const validate = policy.validateResource;
  if (typeof validate !== "function") throw new Error(`${policy.name} does not validate resources`);
  const answers = never();
  await validate(
    {
      ...answers,
      ...seen(resource),
      stackTags: new Map(),
      getConfig: <T>() => ({ environment: "production", ...config }) as T,
    },
    (message) => messages.push(message),
  );
  return messages;
}

/** What a policy says of all resources of a stack, by the name of the resource. */
export async function stackViolations(
  policy: CantonPolicy,
  resources: readonly Resource[],
  config: Asking = {},
): Promise<Record<string, string[]>> {
  const all: PolicyResource[] = resources.map((resource) => ({
    ...seen(resource),
    ...never(),
    dependencies: [],
    propertyDependencies: {},
  }));
  const named = (name: string) => all.find((resource) => resource.name === name) as PolicyResource;
  resources.forEach(({ takes = {}, parent }, index) => {
    const resource = all[index] as PolicyResource;
    for (const [property, name] of Object.entries(takes)) resource.propertyDependencies[property] = [named(name)];
    if (parent !== undefined) resource.parent = named(parent);
  });
  const found: Record<string, string[]> = {};
  await policy.validateStack?.(
    {
      resources: all,
      stackTags: new Map(),
      getConfig: <T>() => ({ environment: "production", ...config }) as T,
      notApplicable: never().notApplicable,
    },
    (message, urn = "") => {
      const name = urn.split("::").at(-1) ?? "";
      found[name] = [...(found[name] ?? []), message];
    },
  );
  return found;
}

/** A change of one property, and what the policy then says of. */
export type Change = readonly [path: string, value: unknown, told?: string | RegExp];

/**
 * Tests a policy against one type: the compliant resource is well; with any one property changed something is said, and it
 * names the property; where a preview does not know that property, nothing is said.
 */
export function testType(
  policy: CantonPolicy,
  compliant: Resource,
  changes: readonly Change[],
  config: Asking = {},
): void {
  test(`${compliant.type}: a compliant one is well`, async () => {
    expect(await violations(policy, compliant, config)).toEqual([]);
  });
  for (const [path, value, told = path] of changes) {
    test(`${compliant.type}: ${path} ${value === undefined ? "left out" : JSON.stringify(value)}`, async () => {
      const messages = await violations(
        policy,
        { ...compliant, props: withValue(compliant.props, path, value) },
        config,
      );
      expect(messages).toHaveLength(1);
      expect(messages[0]).toMatch(told);
      expect(messages[0]).toMatch(/expected/);
      const unknownYet = { ...compliant, props: withValue(compliant.props, path, unknownText) };
      expect(await violations(policy, unknownYet, config)).toEqual([]);
    });
  }
}

/** A copy with another value at a path such as `spec.containers.0.image`; undefined leaves the key out. */
export function withValue<T>(section: T, path: string, value: unknown): T {
  const [key = "", ...rest] = path.split(".");
  const copy = (Array.isArray(section) ? [...section] : { ...section }) as Record<string, unknown>;
  if (rest.length > 0) copy[key] = withValue(copy[key], rest.join("."), value);
  else if (value === undefined) delete copy[key];
  else copy[key] = value;
  return copy as T;
}

function seen({ type, name = "resource", props, protect = false, provider }: Resource) {
  const opts: PolicyResourceOptions = {
    protect,
    ignoreChanges: [],
    aliases: [],
    customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
    additionalSecretOutputs: [],
  };
  return {
    type,
    name,
    urn: `urn:pulumi:test::test::${type}::${name}`,
    props: unknownCheckingProxy(props),
    opts,
    ...(provider && {
      provider: { type: "pulumi:providers:test", name: "test", urn: "", props: unknownCheckingProxy(provider) },
    }),
  };
}

/** What our policies do not use. */
function never() {
  return {
    isType: () => false,
    asType: () => undefined,
    notApplicable: (): never => {
      throw new Error("not applicable");
    },
  };
}
