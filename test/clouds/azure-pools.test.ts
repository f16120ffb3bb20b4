/** The machines of a cluster of Azure are given another size: what Azure refuses is refused, and what it takes is done without a gap. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { CloudStack, type Outcome } from "./cloud-stack.ts";
import { StandIn } from "./stand-in/stand-in.ts";
import { configOf, templates } from "./templates.ts";

const unrefreshed = "--refresh=false";
let standIn: StandIn;

beforeAll(async () => {
  standIn = await StandIn.start();
});
afterAll(async () => {
  await standIn?.[Symbol.asyncDispose]();
});

/** `op type name` of what was done, in the order in which it was. */
function done({ steps }: Outcome): string[] {
  return steps
    .filter(({ op, type }) => !["same", "refresh", "read"].includes(op) && type.startsWith("azure-native:"))
    .map(({ op, type, name }) => `${op} ${type.split(":").at(-1)} ${name}`);
}

test("machines of another size come before those of the old one go", { timeout: 240_000 }, async () => {
  const template = templates.find(({ name }) => name === "azure");
  if (template === undefined) throw new Error("there is no template azure");
  const config = configOf(template, "dev");
  const machines = (size: string, more = {}) => ({
    ...config,
    cluster: { ...(config["cluster"] as object), machines: { size, fewest: 2, most: 4 }, ...more },
  });
  await using stack = await CloudStack.create(standIn, "test", config, { checkpoints: false });
  const succeeded = (outcome: Outcome) => {
    expect(outcome.exitCode, outcome.output).toBe(0);
    return done(outcome);
  };
  succeeded(await stack.up(unrefreshed));

  // As part of the cluster: the preview tells what Azure would say.
  await stack.configure(machines("Standard_D8ds_v5"));
  const refused = await stack.preview(unrefreshed);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.output).toMatch(
    /cluster\.machines, .*: got what makes the pools nodes\w{4}; .*cluster\.ownPools: true/,
  );

  await stack.configure(machines("Standard_D8ds_v5", { ownPools: true }));
  expect(succeeded(await stack.up(unrefreshed))).toEqual(["create AgentPool canton-cluster-nodes"]);

  await stack.configure(machines("Standard_D16ds_v5", { ownPools: true }));
  expect(succeeded(await stack.up(unrefreshed))).toEqual([
    "create-replacement AgentPool canton-cluster-nodes",
    "replace AgentPool canton-cluster-nodes",
    "delete-replaced AgentPool canton-cluster-nodes",
  ]);

  // How many there are is changed in place; nothing else is left to do, or differs from what is there.
  await stack.configure(
    machines("Standard_D16ds_v5", { ownPools: true, machines: { size: "Standard_D16ds_v5", fewest: 3, most: 6 } }),
  );
  expect(succeeded(await stack.up())).toEqual(["update AgentPool canton-cluster-nodes"]);
  expect(succeeded(await stack.up("--expect-no-changes"))).toEqual([]);
  succeeded(await stack.destroy("--skip-preview", unrefreshed));
});
