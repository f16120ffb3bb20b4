/** Every template's whole life on the real engine, against the stand-in: what it plans, makes, keeps, changes and leaves. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CloudStack, type Outcome, type Planned, type Step } from "./cloud-stack.ts";
import { StandIn } from "./stand-in/stand-in.ts";
import { configOf, filesOf, makeable, type Template } from "./templates.ts";

const minutes = 60_000;
/** Where nobody but the engine has changed anything since it last looked. */
const unrefreshed = "--refresh=false";
let standIn: StandIn;

beforeAll(async () => {
  standIn = await StandIn.start();
});
afterAll(async () => {
  await standIn?.[Symbol.asyncDispose]();
});
afterEach(() => standIn.clouds.clear());

describe.each(makeable)("$name", (template) => {
  const { update, replacement, replaces } = template.changes;

  test("dev is made, stays as it is, changes, is partly replaced, and goes", { timeout: 4 * minutes }, async () => {
    const config = configOf(template, "dev");
    await using stack = await create(template, config);
    const planned = await stack.planned();
    expect(standIn.clouds.resources).toEqual([]);

    const made = succeeded(await stack.up(unrefreshed));
    expect(named(made.steps, "create")).toEqual(planned.filter(inCloud).map(nameOf).sort());
    expect(named(made.steps)).toEqual(named(made.steps, "create"));
    expect(unusual(template)).toEqual([]);

    await staysAsItIs(stack);

    await stack.configure({ ...config, ...update });
    const updated = succeeded(await stack.up(unrefreshed));
    expect(named(updated.steps, "update").length).toBeGreaterThan(0);
    expect(named(updated.steps)).toEqual(named(updated.steps, "update"));

    await stack.configure({ ...config, ...update, ...replacement });
    const replaced = succeeded(await stack.up(unrefreshed));
    expect(named(replaced.steps, "replace")).toEqual([...replaces].sort());
    expect(named(replaced.steps, "delete")).toEqual([]);

    succeeded(await stack.destroy("--skip-preview", unrefreshed));
    // Nothing is left but what is not to go with the stack.
    const retained = planned.filter(({ retainOnDelete }) => retainOnDelete).map(nameOf);
    const left = standIn.clouds.resources.map(({ token, name }) => `${token} ${name}`);
    expect(left.filter((resource) => !retained.includes(resource))).toEqual([]);
  });

  test("production is made, stays as it is, and does not go by mistake", { timeout: 4 * minutes }, async () => {
    await using stack = await create(template, configOf(template, "production"));
    const made = succeeded(await stack.up(unrefreshed));
    expect(named(made.steps).length).toBeGreaterThan(0);
    await staysAsItIs(stack);
    if (!template.protects) return;
    const refused = await stack.destroy(unrefreshed);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.output).toContain("protected");
    expect(named(made.steps)).toEqual(standIn.clouds.resources.map(({ token, name }) => `${token} ${name}`).sort());
  });
});

function create(template: Template, config: Readonly<Record<string, unknown>>): Promise<CloudStack> {
  const around = { files: filesOf(template), stacks: template.stacks, checkpoints: false };
  return CloudStack.create(standIn, "test", config, around);
}

/** An update looks at what is there first; finds nothing else there, and nothing to do. */
async function staysAsItIs(stack: CloudStack): Promise<void> {
  const unchanged = succeeded(await stack.up("--expect-no-changes"));
  expect(unchanged.steps.some(({ op }) => op === "refresh")).toBe(true);
  expect(unchanged.drifted).toEqual([]);
}

function succeeded(outcome: Outcome): Outcome {
  expect(outcome.exitCode, outcome.output).toBe(0);
  return outcome;
}

/** Values of enums that neither the SDK nor the template's file knows. */
function unusual({ knownBesides }: Template): string[] {
  return standIn.clouds.warnings
    .filter(({ reason }) => !knownBesides.some((value) => reason.startsWith(`is ${JSON.stringify(value)};`)))
    .map(({ token, name, path, reason }) => `${token} ${name}: ${path} ${reason}`);
}

/** Type and name of resources in the clouds that something was done to. */
function named(steps: readonly Step[], operation?: string): string[] {
  const unchanged = ["same", "refresh", "read"];
  return steps
    .filter(({ op }) => (operation === undefined ? !unchanged.includes(op) : op === operation))
    .filter(inCloud)
    .map(nameOf)
    .sort();
}

function nameOf({ type, urn }: Pick<Planned, "type" | "urn">): string {
  return `${type} ${urn.split("::").slice(3).join("::")}`;
}

function inCloud({ type }: Pick<Step, "type">): boolean {
  return !type.startsWith("pulumi:") && !type.startsWith("pulumi-canton:");
}
