import { readFileSync } from "node:fs";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { admissionLines, checkLocalConfig } from "./config.ts";

function problems(given: Record<string, unknown>): readonly string[] {
  try {
    checkLocalConfig(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("nothing configured is the stack that Pulumi.local.yaml spells out", () => {
  const file = parse(readFileSync(new URL("../../Pulumi.local.yaml", import.meta.url), "utf8"));
  const spelled = Object.fromEntries(
    Object.entries(file.config).map(([key, value]) => [key.replace("pulumi-canton:", ""), value]),
  );
  expect(checkLocalConfig(spelled)).toEqual(checkLocalConfig({}));
  expect(checkLocalConfig({})).toMatchObject({
    domain: { alias: "mydomain", owner: "bob", sequencers: 2, policy: "permissioned", initialisation: "auto" },
    participants: [{ name: "bob" }, { name: "alice" }],
    allowList: [{ participant: "bob" }, { participant: "alice" }],
    tls: false,
  });
});

describe("a mistake is named by its key, with what was given and what is accepted", () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ["a misspelt key", { alowList: [] }, /^alowList: unknown key; did you mean allowList\?/],
    [
      "a misspelt key further down",
      { domain: { sequencer: 2 } },
      /^domain\.sequencer: unknown key; did you mean sequencers\?/,
    ],
    ["a number out of range", { domain: { sequencers: 12 } }, /^domain\.sequencers: got 12; expected at most 9/],
    [
      "a wrong choice",
      { domain: { policy: "closed" } },
      /^domain\.policy: got "closed"; expected one of "permissioned", "open"/,
    ],
    [
      "an initialisation that there is not",
      { domain: { initialisation: "offline" } },
      /^domain\.initialisation: got "offline"; expected one of "auto", "manual", "detached"/,
    ],
    ["a wrong kind of value", { tls: "yes" }, /^tls: got "yes"; expected true or false/],
    [
      "an owner without participant",
      { domain: { owner: "zoe" } },
      /^domain\.owner: got "zoe", which is not among the participants; expected one of bob, alice/,
    ],
    [
      "a participant named twice",
      { participants: [{ name: "bob" }, { name: "bob" }] },
      /^participants\[1\]\.name: got "bob" a second time/,
    ],
    [
      "a participant named as a node",
      { participants: [{ name: "bob" }, { name: "sequencer2" }], allowList: [] },
      /^participants\[1\]\.name: got "sequencer2", which another process has/,
    ],
    [
      "a name that is none",
      { participants: [{ name: "Bob Smith" }] },
      /^participants\[0\]\.name: got "Bob Smith"; expected 1 to 40 lower-case/,
    ],
    [
      "a party hosted twice",
      {
        participants: [
          { name: "bob", parties: ["P"] },
          { name: "alice", parties: ["P"] },
        ],
      },
      /^participants\[1\]\.parties\[0\]: got "P" a second time/,
    ],
    [
      "an unknown participant on the allow-list",
      { allowList: [{ participant: "carl" }] },
      /^allowList\[0\]\.participant: got "carl"; expected a participant of this stack \(bob, alice\) or an id/,
    ],
    [
      "a wrong permission",
      { allowList: [{ participant: "bob", permission: "Submit" }] },
      /^allowList\[0\]\.permission: got "Submit"; expected one of "Submission"/,
    ],
    [
      "ports of an unknown node",
      { ports: { sequencer3: { adminApi: 5000 } } },
      /^ports\.sequencer3: there is no node of that name; expected one of postgres, domain-manager/,
    ],
    ["one number for a node", { ports: { sequencer1: 5000 } }, /^ports\.sequencer1: got 5000; expected a section/],
    [
      "a port that is none",
      { ports: { sequencer1: { adminApi: 80 } } },
      /^ports\.sequencer1\.adminApi: got 80; expected at least 1024/,
    ],
  ];
  for (const [name, given, expected] of cases) {
    test(name, () => expect(problems(given).join("\n")).toMatch(expected));
  }
});

test("every mistake is told at once", () => {
  const given = { domain: { sequencers: 12, policy: "closed" }, tls: 1 };
  expect(problems(given)).toHaveLength(3);
});

test("ids from elsewhere may be admitted, with and without PAR::", () => {
  const fingerprint = `1220${"ab".repeat(32)}`;
  for (const participant of [`PAR::carol::${fingerprint}`, `carol::${fingerprint}`]) {
    expect(checkLocalConfig({ allowList: [{ participant }] }).allowList).toEqual([
      { participant, permission: "Submission", trustLevel: "Ordinary" },
    ]);
  }
});

test("the lines that admit a participant are configuration as it is accepted", () => {
  const lines = admissionLines("carol", "Pulumi.local.yaml").split("\n\n")[1] as string;
  const { "pulumi-canton:allowList": allowList } = parse(lines);
  expect(problems({ participants: [{ name: "bob" }, { name: "carol" }], allowList })).toEqual([]);
});

test("hostings name a party of the stack and a participant that does not host it yet; parameters are known and well-formed", () => {
  const problemsOf = (given: Record<string, unknown>): string => {
    try {
      checkLocalConfig(given);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(problemsOf({ hostings: [{ party: "Alice", participant: "bob" }] })).toBe("");
  expect(problemsOf({ hostings: [{ party: "Alice", participant: "alice" }] })).toMatch(
    /hostings\[0\].participant.*\(bob\)/,
  );
  expect(problemsOf({ hostings: [{ party: "Zoe", participant: "bob" }] })).toMatch(
    /hostings\[0\].party.*\(Bob, Alice\)/,
  );
  expect(problemsOf({ domain: { parameters: { reconciliationInterval: "soon" } } })).toMatch(
    /reconciliationInterval.*number and a unit/,
  );
  expect(problemsOf({ domain: { parameters: { maxSize: 1 } } })).toContain("maxSize");
  expect(problemsOf({ invitation: { validDays: 0 } })).toContain("validDays");
});
