/** The real engine against the stand-in: a few resources of every cloud, and what can go wrong with them. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CloudStack, type Outcome } from "../cloud-stack.ts";
import { StandIn } from "./stand-in.ts";

const project = join(import.meta.dirname, "..", "programs", "small");
const resources = 16;
const timeout = 120_000;
let standIn: StandIn;
let stack: CloudStack;

beforeAll(async () => {
  standIn = await StandIn.start();
  stack = await CloudStack.create(standIn, "test", {}, { project });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await standIn?.[Symbol.asyncDispose]();
});

/** `op type name` of what was done, in the order of the alphabet. */
function done({ steps }: Outcome): string[] {
  return steps
    .filter(({ op, type }) => !["same", "refresh", "read"].includes(op) && !type.startsWith("pulumi:"))
    .map(({ op, type, name }) => `${op} ${type.split(":").at(-1)} ${name}`)
    .sort();
}

// One stack lives through all of this, in this order.

test("wrong inputs stop the preview, each told by its path", { timeout }, async () => {
  await stack.configure({ wrong: true });
  const { exitCode, output } = await stack.preview();
  expect(exitCode).not.toBe(0);
  expect(output).toContain("vpcConfig.subnets is unknown; expected one of");
  expect(output).toContain("vpcConfig.subnetIds is missing; expected an array, each a string");
});

test("a preview makes nothing, and what it does not know is unknown", { timeout }, async () => {
  await stack.configure({});
  const planned = await stack.planned();
  expect(planned.find(({ type }) => type === "aws:ec2/subnet:Subnet")?.inputs).toMatchObject({
    vpcId: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    availabilityZone: expect.stringMatching(/^eu-central-1[ab]$/),
  });
  expect(standIn.clouds.resources).toEqual([]);
});

test("no plugin is got before a resource needs it", { timeout }, async () => {
  const { output } = await stack.preview("-v=7", "--logtostderr");
  expect(output).toMatch(/package aws-\S+ .*is required by language host/);
  expect(output).not.toContain("not installed, doing install");
});

test("an update that fails halfway is finished by the next one, which keeps what is there", { timeout }, async () => {
  standIn.clouds.instruct({ what: "fail-halfway", after: 5 });
  const failed = await stack.up();
  expect(failed.exitCode).not.toBe(0);
  expect(failed.output).toContain("did not become ready");
  const there = standIn.clouds.resources.map(({ id }) => id);
  expect(there.length).toBeGreaterThanOrEqual(6);
  const { exitCode, output } = await stack.up();
  expect(exitCode, output).toBe(0);
  expect(standIn.clouds.resources).toHaveLength(resources);
  expect(standIn.clouds.resources.map(({ id }) => id)).toEqual(expect.arrayContaining(there));
});

test("drift is seen by a refresh and put right by the update after it", { timeout }, async () => {
  const vpc = { type: "aws:ec2/vpc:Vpc", name: "network" };
  const tags = () => standIn.clouds.resources.find(({ token }) => token === vpc.type)?.inputs["tags"];
  standIn.clouds.instruct({ what: "drift", ...vpc, property: "tags", value: { of: "somebody" } });
  const refreshed = await stack.refresh("--expect-no-changes");
  expect(refreshed.exitCode).not.toBe(0);
  standIn.clouds.instruct({ what: "drift", ...vpc, property: "tags", value: { of: "somebody else" } });
  const { exitCode, output, drifted } = await stack.up("--refresh");
  expect(exitCode, output).toBe(0);
  expect(drifted).toEqual(["aws:ec2/vpc:Vpc network"]);
  expect(tags()).toEqual({ of: "nobody" });
});

test("a throttled update fails, and converges when it is run again", { timeout }, async () => {
  await stack.configure({ tag: "me" });
  standIn.clouds.instruct({ what: "throttle", times: 1, type: "aws:ec2/vpc:Vpc" });
  const throttled = await stack.up();
  expect(throttled.exitCode).not.toBe(0);
  expect(throttled.output).toContain("too many requests");
  const again = await stack.up();
  expect(again.exitCode, again.output).toBe(0);
  expect(done(again)).toEqual(["update Vpc network"]);
});

test("a replacement takes along what cannot do without, and only that", { timeout }, async () => {
  await stack.configure({ tag: "me", cidrBlock: "10.0.0.0/15" });
  const replaced = await stack.up();
  expect(replaced.exitCode, replaced.output).toBe(0);
  expect(done(replaced).filter((step) => !/^(create|delete)-/.test(step))).toEqual([
    "replace Subnet subnet-0",
    "replace Subnet subnet-1",
    "replace Vpc network",
    "update Cluster cluster",
  ]);
  expect(standIn.clouds.resources).toHaveLength(resources);
});

test("what somebody else still uses is not deleted; without them all goes", { timeout }, async () => {
  const vpcId = standIn.clouds.resources.find(({ token }) => token === "aws:ec2/vpc:Vpc")?.id as string;
  const foreign = { token: "aws:ec2/subnet:Subnet", name: "foreign" };
  const { id } = await standIn.clouds.create(foreign, { vpcId, cidrBlock: "10.1.9.0/24" }, false);
  const refused = await stack.destroy("--skip-preview");
  expect(refused.exitCode).not.toBe(0);
  expect(refused.output).toContain(`${vpcId} is in use by aws:ec2/subnet:Subnet foreign (vpcId)`);
  standIn.clouds.delete(foreign, id);
  const destroyed = await stack.destroy("--skip-preview");
  expect(destroyed.exitCode, destroyed.output).toBe(0);
  expect(standIn.clouds.resources).toEqual([]);
});
