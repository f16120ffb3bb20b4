import * as pulumi from "@pulumi/pulumi";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { standbySchema } from "./config.ts";
import { readInfrastructureConfig } from "./read-infrastructure-config.ts";

const decidedBy = "organization/pulumi-canton/regions";
const asked: string[] = [];
let active: string | undefined;

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        if (type === "pulumi:pulumi:StackReference") asked.push(name);
        return { id: name, state: { ...inputs, outputs: active === undefined ? {} : { active } } };
      },
    },
    "project",
    "stack",
    false,
  );
});

const schema = z.strictObject({ standby: standbySchema.optional() });

async function promoted(standby: object | undefined): Promise<boolean | undefined> {
  asked.length = 0;
  pulumi.runtime.setAllConfig(standby === undefined ? {} : { "project:standby": JSON.stringify(standby) });
  return (await readInfrastructureConfig((given) => schema.parse(given))).standby?.promoted;
}

test("a standby region is promoted by its own word, or by that of the stack which decides", async () => {
  const of = "organization/pulumi-canton/frankfurt";
  active = "primary";
  expect(await promoted({ of, decidedBy })).toBe(false);
  expect(asked).toEqual([decidedBy]);
  expect(await promoted({ of, decidedBy, promoted: true })).toBe(true);
  active = "standby";
  expect(await promoted({ of, decidedBy })).toBe(true);
});

test("nobody is asked who was not named, and a stack that says nothing yet decides nothing", async () => {
  active = "standby";
  expect(await promoted({ of: "a/b/c" })).toBe(false);
  expect(await promoted(undefined)).toBeUndefined();
  expect(asked).toEqual([]);
  active = undefined;
  expect(await promoted({ of: "a/b/c", decidedBy })).toBe(false);
});
