/**
 * Canton's own console as the administrator of our nodes, command by command: the calls that it was seen to make, with
 * stubs of the published descriptors, in its order, to nodes that are processes of their own. Each answer and each
 * refusal is compared with what a Canton 2.10 answered.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { haveObserved, observedFolder } from "@pulumi-canton/topology/testing/observed.ts";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type RecordedCall, readFacts } from "./console-calls/facts.ts";
import { factsOf, recordingsIn } from "./console-calls/recordings.ts";
import { commands, later, type Row, rows } from "./console-calls/rows.ts";
import { type Comparable, World } from "./console-calls/world.ts";
import { fieldsOf } from "./published-clients-caller.ts";
import { publishedDescriptors } from "./published-clients-descriptors.ts";

const descriptors = await publishedDescriptors();
const missing = "unavailable" in descriptors ? descriptors.unavailable : undefined;
if (missing !== undefined) console.warn(`SKIPPED: calls of Canton's console: no published descriptors: ${missing}`);

if (!haveObserved) console.warn(`SKIPPED: whether the rows are all: no recordings at ${observedFolder.pathname}`);

const minutes = 60_000;
const facts = readFacts();
const contractServices =
  /\.(Package|PackageManagement|Command|CommandCompletion|Transaction|ActiveContracts|ParticipantRepair|Pruning|Ping)Service\//;
const byHand =
  "a domain of several nodes has other steps: node-images/domain-manager, sequencer and mediator have their tests";
const careless = "an internal error, where ours is refused with the reason";
/** Recordings that are not replayed here, and why. */
const elsewhere: Record<string, string> = {
  "domains.reconnect-after-repair": "repair needs contracts",
  "manual-domain-0-status": byHand,
  "manual-domain-1-generate_signing_key": byHand,
  "manual-domain-2-init_id": byHand,
  "manual-domain-3-namespace_delegation": byHand,
  "manual-domain-4-domain_parameters": byHand,
  "manual-domain-5-keys": byHand,
  "manual-domain-6-mediator_domain_states": byHand,
  "manual-domain-7-status": byHand,
  "manual-domain-8-id": byHand,
  "manual-domain-9-connect": byHand,
  "manual-domain-9c-participants.list": byHand,
  "manual-domain-9d-domain-state": byHand,
  "refusal-parties.enable-bad-name": "the console refuses by itself, without a call",
  "raw-RegisterDomain-empty-alias": "a connection that nobody would make",
  "raw-RegisterDomain-bad-url": careless,
  "raw-UpdateResourceLimits": "needs contracts to limit",
  "raw-unknown-service": "there is no stub for it",
  "raw-AllocateParty-hint-with-colons": careless,
  "raw-CreateUser-annotations-too-big": "its request was cut when it was recorded",
};

describe.skipIf(missing !== undefined)("Canton's console", { timeout: minutes }, () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start(descriptors as Buffer);
  }, 3 * minutes);
  afterAll(async () => {
    await world?.dispose();
  }, 2 * minutes);

  test.each(rows)("$recording", async (row) => {
    for (const call of facts[row.recording] ?? []) {
      const made = async () => compare(row, call, await world.call(call));
      // The console asks on until the answer is the one that it waits for.
      if (call.polled || row.eventually) await vi.waitFor(made, { timeout: 10_000 });
      else await made();
    }
  });

  test.each(later)("$command: not built, $because", async ({ calls }) => {
    for (const call of calls) {
      const [node, api, method = ""] = call.split(" ");
      expect(await world.call({ to: `${node} ${api}`, method }), call).toEqual({ refusal: { code: "UNIMPLEMENTED" } });
    }
  });
});

describe("the rows", () => {
  test("have facts, each its own", () => {
    expect(rows.map(({ recording }) => recording)).toEqual(Object.keys(facts));
    expect(Object.values(commands).filter((recording) => facts[recording] === undefined)).toEqual([]);
  });

  test.skipIf(!haveObserved)("are all that the console was seen to do", () => {
    const list = readFileSync(new URL("../CONSOLE-CALLS.md", observedFolder), "utf8");
    const seen = [...list.matchAll(/^\| `([^`]+)` \|/gm)].map(([, command]) => command);
    expect([...Object.keys(commands), ...later.map(({ command }) => command)].sort()).toEqual(seen.sort());
  });

  test.skipIf(!haveObserved)("are as recorded", () => {
    const folder = fileURLToPath(observedFolder);
    expect(factsOf(folder, Object.keys(facts))).toEqual(facts);
  });

  test.skipIf(!haveObserved)("are all recordings but those that need contracts, and those named here", () => {
    const folder = fileURLToPath(observedFolder);
    const everything = factsOf(folder, recordingsIn(folder));
    const left = Object.entries(everything).filter(([recording, calls]) => {
      const needsContracts = calls.some(({ method }) => contractServices.test(method));
      return facts[recording] === undefined && !needsContracts;
    });
    expect(left.map(([recording]) => recording).sort()).toEqual(Object.keys(elsewhere).sort());
  });
});

function compare(row: Row, { to, method, answer, refusal }: RecordedCall, got: Comparable): void {
  const where = `${method} of ${to}`;
  if (refusal !== undefined) expect(got, where).toEqual({ refusal: row.instead ?? refusal });
  else if (row.compare === "values" || got.refusal !== undefined) expect(got, where).toEqual({ answer });
  else if (row.compare === "fields") {
    const present = fieldsOf(got.answer);
    const lacking = [...fieldsOf(answer)].filter((field) => !present.has(field));
    expect(lacking, `fields of ${where} that are absent`).toEqual([]);
  }
}
