/**
 * What every template plans in every environment is what its file here says: a change of a component shows as a difference.
 * `UPDATE_GOLDEN=1` writes the files anew.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environments } from "@pulumi-canton/components/deployment/deployment.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mostResources } from "../../../stacks/config/stack-size.ts";
import { CloudStack } from "../cloud-stack.ts";
import { StandIn } from "../stand-in/stand-in.ts";
import { configOf, filesOf, templates } from "../templates.ts";
import { dump } from "./dump.ts";

let standIn: StandIn;

beforeAll(async () => {
  standIn = await StandIn.start();
});
afterAll(async () => {
  await standIn?.[Symbol.asyncDispose]();
});

describe.each(templates)("$name", (template) => {
  test.each(environments)("%s", { timeout: 120_000 }, async (environment) => {
    const config = configOf(template, environment);
    await using stack = await CloudStack.create(standIn, "test", config, {
      files: filesOf(template),
      stacks: template.stacks,
      checkpoints: false,
    });
    const planned = await stack.planned();
    expect(planned.length).toBeLessThanOrEqual(mostResources);
    const [file, is] = [
      join(import.meta.dirname, `${template.name}.${environment}.yaml`),
      dump(planned).replaceAll(stack.home, "<home>"),
    ];
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, is);
    expect(existsSync(file), `there is no ${file}; UPDATE_GOLDEN=1 writes it`).toBe(true);
    expect(is, "UPDATE_GOLDEN=1 takes the change over").toBe(readFileSync(file, "utf8"));
  });
});
