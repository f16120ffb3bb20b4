import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestNetwork } from "../testing/test-network.ts";
import type { PartyView } from "./parties.ts";

vi.setConfig({ testTimeout: 120_000 });

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.start();
  await network.join("alice");
  await network.join("bob");
}, 60_000);
afterAll(() => network?.[Symbol.asyncDispose]());

const hosts = async (...filter: string[]) =>
  (await network.json<PartyView[]>("parties", "list", ...filter)).map(({ party, participant, permission }) => ({
    party: party.split("::")[0],
    on: participant.split("::")[1],
    permission,
  }));

test("enable waits until every node of the domain has the party, disable until none has it", async () => {
  const { party, seenBy } = await network.json<{ party: string; seenBy: number }>(
    "parties",
    "enable",
    "Gottlieb",
    "--node",
    "alice",
  );
  expect(party).toBe(`Gottlieb::${network.idOf("alice").split("::").at(-1)}`);
  expect(seenBy).toBe(3);
  expect(await hosts("--party", "Gott", "--node", "bob")).toEqual([
    { party: "Gottlieb", on: "alice", permission: "Submission" },
  ]);
  expect(await network.refusal("parties", "enable", "Gottlieb", "--node", "alice")).toContain("already exists");
  await network.text("parties", "disable", "Gottlieb", "--node", "alice");
  expect(await hosts("--party", "Gott", "--node", "bob")).toEqual([]);
  expect(await network.refusal("parties", "disable", "Gottlieb", "--node", "alice")).toContain(
    "no mapping of Gottlieb::",
  );
});

test("a party on two participants: To on the target, then From on the source, with a permission of its own", async () => {
  const { party } = await network.json<{ party: string }>("parties", "enable", "Twice", "--node", "alice");
  await network.text("parties", "host", party, "bob", "--permission", "Confirmation");
  const both = [
    { party: "Twice", on: "alice", permission: "Submission" },
    { party: "Twice", on: "bob", permission: "Confirmation" },
  ];
  expect(await hosts("--party", "Twice")).toEqual(both);
  expect(await hosts("--party", "Twice", "--participant", "bob")).toEqual([both[1]]);
  const sides = await network.json<{ side: string }[]>("parties", "mappings", party);
  expect(sides.map(({ side }) => side).sort()).toEqual(["Both", "From", "To"]);
  const hosted = await network.json<PartyView[]>("parties", "hosted", "--node", "bob", "--party", "Twice");
  expect(hosted.map(({ party: each }) => each)).toEqual([party]);
});

test("one side alone does not host the party", async () => {
  const { party } = await network.json<{ party: string }>("parties", "enable", "Half", "--node", "alice");
  await network.text("parties", "host", party, "bob", "--side", "To");
  await network.text("trace", "--party", party, "--follow");
  expect(await hosts("--party", "Half")).toEqual([{ party: "Half", on: "alice", permission: "Submission" }]);
  await network.text("parties", "host", party, "bob", "--side", "From");
  await network.text("trace", "--party", party, "--follow");
  expect(await hosts("--party", "Half")).toHaveLength(2);
});

test("find gives the one id, and says what there is otherwise", async () => {
  const { party } = await network.json<{ party: string }>("parties", "enable", "Needle", "--node", "bob");
  await network.text("parties", "enable", "Needle2", "--node", "bob");
  expect(await network.text("parties", "find", "Needle")).toBe(`${party}\n`);
  expect(await network.refusal("parties", "find", "Needl")).toContain("There are 2 parties that begin with Needl");
  expect(await network.refusal("parties", "find", "Nobody")).toContain("There is no party Nobody");
});

test("the Ledger API allocates and lists parties", async () => {
  const { party } = await network.json<{ party: string }>(
    "ledger-parties",
    "allocate",
    "Ledgerman",
    "--node",
    "bob",
    "--display-name",
    "L",
    "--annotation",
    "k=v",
  );
  const all = await network.json<{ party: string; displayName: string; annotations: object }[]>(
    "ledger-parties",
    "list",
    "--node",
    "bob",
  );
  expect(all.find((each) => each.party === party)).toMatchObject({ displayName: "L", annotations: { k: "v" } });
  expect(await network.refusal("ledger-parties", "allocate", "X", "--node", "bob", "--annotation", "broken")).toContain(
    "key=value",
  );
});

test("mistakes are told with what is accepted", async () => {
  expect(await network.refusal("parties", "enable", "X")).toContain("--node: alice, bob");
  expect(await network.refusal("parties", "enable", "X", "--node", "carol")).toContain("carol is no participant");
  expect(await network.refusal("parties", "list", "--limit", "many")).toContain("whole number");
  expect(await network.refusal("parties", "enable", "X", "--node", "alice", "--timeout", "soon")).toContain(
    "is not a duration",
  );
  expect(await network.refusal("parties", "enable", "X", "--node", "alice", "--permission", "All")).toContain(
    "Submission",
  );
  expect(await network.text("parties", "--help")).toContain("enable");
});

test("enable on a participant that is connected to nothing says that the party shows later", async () => {
  await network.text("domains", "disconnect-all", "--node", "bob");
  expect(await network.refusal("parties", "enable", "Later", "--node", "bob")).toContain("connected to no domain");
  await network.text("domains", "reconnect-all", "--node", "bob");
  await network.text("trace", "--party", "Later", "--follow");
  expect(await hosts("--party", "Later", "--node", "alice")).toEqual([
    { party: "Later", on: "bob", permission: "Submission" },
  ]);
});
