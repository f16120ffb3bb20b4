import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lifeOf } from "./life.ts";
import { selectTransactions } from "./select.ts";
import { parseStepLine, type StepLine } from "./step-line.ts";
import { stepTimesFrom } from "./step-times.ts";

const domainId = `mydomain::1220${"aa".repeat(32)}`;
const members = [`DOM::${domainId}`, `MED::${domainId}`, `SEQ::${domainId}`, "PAR::alice::1220", "PAR::bob::1220"];
const about = {
  "trace-id": "ab".repeat(16),
  transaction: "cd".repeat(32),
  element: "E".repeat(32),
  operation: "Add",
  mapping: "PartyToParticipant(Both, Gottlieb::122027744293..., PAR::alice::122027744293..., Submission)",
};
let clock = 0;
function line(step: StepLine["step"], node: string, role: string, more: Partial<StepLine> = {}): StepLine {
  clock += 1;
  const timestamp = new Date(Date.UTC(2026, 0, 1) + clock * 10).toISOString();
  return { "@timestamp": timestamp, node, role, step, ...about, ...more } as StepLine;
}

const sequenced = "2026-01-01T00:00:00.055123Z";
const request: StepLine[] = [
  line("stored", "alice", "participant", { authorised: "2026-01-01T00:00:00.009000Z" }),
  line("dispatched", "alice", "participant", { domainId }),
  line("decided", "manager", "domain-manager", {
    domainId,
    state: "ACCEPTED",
    received: "2026-01-01T00:00:00.025000Z",
  }),
  line("stored", "manager", "domain-manager"),
  line("broadcast", "manager", "domain-manager", { recipients: members }),
  line("sequenced", "manager", "domain-manager", { sequenced }),
];
const effective = members.map((member) =>
  line("effective", member.slice(0, 3).toLowerCase(), "any", { domainId, member, sequenced }),
);
const whole = [...request, ...effective, line("answered", "alice", "participant", { domainId, state: "ACCEPTED" })];

describe("lifeOf", () => {
  test("a whole life has every step, numbered, and waits for nothing", () => {
    const { steps, waitingFor } = lifeOf(whole);
    const numbers = steps.map(({ number }) => number);
    expect(numbers).toEqual(["3", "4", "5", "6", "6", "7, 8", "9", "10", "11", "11", "11", "11", "11", undefined]);
    expect(waitingFor).toEqual([]);
  });

  test("the order in which the lines are found does not matter", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(whole, { minLength: whole.length }), (lines) => {
        expect(lifeOf(lines)).toEqual(lifeOf(whole));
      }),
    );
  });

  test("it waits for exactly the members of which nothing was heard", () => {
    fc.assert(
      fc.property(fc.subarray(effective), (heard) => {
        const silent = effective.filter((each) => !heard.includes(each)).map(({ member }) => `${member} to apply it`);
        expect(lifeOf([...request, ...heard]).waitingFor).toEqual(silent);
      }),
    );
  });

  test("of any part of the lines a life is made; it has no step that nobody wrote of", () => {
    const known = new Set(lifeOf(whole).steps.map(({ step }) => step));
    fc.assert(
      fc.property(fc.shuffledSubarray(whole, { minLength: 1 }), (lines) => {
        for (const { step } of lifeOf(lines).steps) expect(known.has(step)).toBe(true);
      }),
    );
  });

  test.each(["REJECTED", "FAILED", "DUPLICATE", "OBSOLETE"])(
    "a request that is %s ends there, with the reason",
    (state) => {
      const refused = { ...(request[2] as StepLine), state, reason: "because" };
      const { steps, waitingFor } = lifeOf([request[0] as StepLine, request[1] as StepLine, refused]);
      expect(steps.at(-1)).toMatchObject({ step: "decided", detail: `${state}: because` });
      expect(waitingFor).toEqual([]);
    },
  );

  test("a transaction that goes to two domains has a life on each, and says which one it waits for", () => {
    const other = `other::1220${"bb".repeat(32)}`;
    const elsewhere = line("dispatched", "alice", "participant", { domainId: other });
    const { steps, waitingFor } = lifeOf([...whole, elsewhere]);
    expect(steps.filter(({ domainId: on }) => on === other).map(({ step }) => step)).toEqual(["dispatched"]);
    expect(waitingFor).toEqual([`the manager of ${other} to decide`]);
  });
});

describe("selectTransactions", () => {
  const others = whole.map((each) => ({
    ...each,
    transaction: "99".repeat(32),
    element: "X",
    "trace-id": "77".repeat(16),
    mapping: "PartyToParticipant(Both, NotGottlieb::1220..., PAR::x, Submission)",
  }));
  const found = (query: Parameters<typeof selectTransactions>[1]) => [
    ...selectTransactions([...whole, ...others], query).keys(),
  ];

  test.each([
    { transaction: about.transaction.slice(0, 8) },
    { transaction: about.element },
    { transaction: about["trace-id"] },
    { party: "Gottlieb" },
    { party: `Gottlieb::122027744293${"0".repeat(56)}` },
  ])("%o finds the one", (query) => {
    expect(found(query)).toEqual([about.transaction]);
  });

  test("nothing is found by a part in the middle, nor by another party", () => {
    expect(found({ transaction: "1".repeat(8) })).toEqual([]);
    expect(found({ party: "Gott" })).toEqual([]);
  });
});

describe("parseStepLine", () => {
  test("whatever stands in a log, it is read or passed over", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => `{"step":${text}`),
        ),
        (text) => {
          expect(parseStepLine(text)).toBeUndefined();
        },
      ),
    );
    for (const each of whole) expect(parseStepLine(`pod/x ${JSON.stringify(each)}`)).toEqual(each);
  });
});

test("the times of steps are read from Prometheus text", () => {
  const text = `# TYPE canton_topology_step_seconds histogram
canton_topology_step_seconds_bucket{le="1",step="stored"} 4
canton_topology_step_seconds_sum{step="stored",node="a"} 2
canton_topology_step_seconds_count{step="stored",node="a"} 4
other_sum{step="stored"} 9`;
  expect(stepTimesFrom("alice", text)).toEqual([{ step: "stored", node: "alice", count: 4, meanSeconds: 0.5 }]);
});
