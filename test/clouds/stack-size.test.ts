/** How large stacks get: with all that can be on at once they stay as small as any, and what would make them larger is refused. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mostResources } from "../../stacks/config/stack-size.ts";
import { CloudStack } from "./cloud-stack.ts";
import { StandIn } from "./stand-in/stand-in.ts";
import { configOf, filesOf, sizes, type Template } from "./templates.ts";

let standIn: StandIn;

beforeAll(async () => {
  standIn = await StandIn.start();
});
afterAll(async () => {
  await standIn?.[Symbol.asyncDispose]();
});

const create = (template: Template, more: Readonly<Record<string, unknown>>) =>
  CloudStack.create(
    standIn,
    "test",
    { ...configOf(template, "production"), ...more },
    {
      files: filesOf(template),
      stacks: template.stacks,
      checkpoints: false,
    },
  );

describe.each(sizes)("$name", ({ size, ...template }) => {
  test("with everything at once", { timeout: 120_000 }, async () => {
    await using stack = await create(template, size.everything);
    const planned = await stack.planned();
    const ofTheProgram = planned.filter(({ urn }) => !/::default(_[\d_]+)?$/.test(urn));
    expect(ofTheProgram.length).toBeLessThanOrEqual(mostResources);
    // That it is everything: an option that was forgotten would be missing here.
    expect(ofTheProgram.length).toBeGreaterThanOrEqual(size.resources);
  });

  test("with too much the preview refuses it, by its key and count", { timeout: 120_000 }, async () => {
    await using stack = await create(template, { ...size.everything, ...size.tooMuch });
    const { exitCode, output } = await stack.preview();
    expect(exitCode).not.toBe(0);
    expect(output).toContain(`it makes more than ${mostResources} resources`);
    expect(output).toContain(size.says);
  });
});
