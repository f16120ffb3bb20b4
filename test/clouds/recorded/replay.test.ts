/**
 * The state of an earlier release's production is taken over by the program of today, which replaces and deletes nothing of it.
 * `RECORD_STATE=1` records today's state instead: at a release.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CloudStack } from "../cloud-stack.ts";
import { StandIn } from "../stand-in/stand-in.ts";
import { configOf, filesOf, makeable, type Template } from "../templates.ts";
import { recordedState, recording } from "./recording.ts";

let standIn: StandIn;

beforeAll(async () => {
  standIn = await StandIn.start();
});
afterAll(async () => {
  await standIn?.[Symbol.asyncDispose]();
});

const create = (template: Template) =>
  CloudStack.create(standIn, "test", configOf(template, "production"), {
    files: filesOf(template),
    stacks: template.stacks,
    checkpoints: false,
  });

test.each(makeable)("$name", { timeout: 180_000 }, async (template) => {
  const file = join(import.meta.dirname, `${template.name}.jsonl`);
  if (process.env["RECORD_STATE"] === "1") {
    await using stack = await create(template);
    const { exitCode, output } = await stack.up();
    expect(exitCode, output).toBe(0);
    writeFileSync(file, recording(await stack.exported()));
  }
  expect(existsSync(file), `there is no ${file}; RECORD_STATE=1 records it`).toBe(true);
  await using stack = await create(template);
  await stack.import(recordedState(readFileSync(file, "utf8")));
  // What is recorded is nowhere: a refresh would find nothing of it.
  const preview = async () => {
    const { exitCode, output, steps } = await stack.preview("--refresh=false");
    expect(exitCode, output).toBe(0);
    return steps.filter(({ op }) => /replace|delete/.test(op)).map(({ op, type, name }) => `${op} ${type} ${name}`);
  };
  expect(await preview()).toEqual([]);
  // That it would be seen: a change that is known to replace.
  await stack.configure({ ...configOf(template, "production"), ...template.changes.replacement });
  expect(await preview()).toEqual(expect.arrayContaining(template.changes.replaces.map((each) => `replace ${each}`)));
});
