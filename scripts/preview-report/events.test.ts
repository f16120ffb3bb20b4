import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isSecret, readEvents } from "./events.ts";

// Recorded from the engine and made small: what the report does not read was left out, fingerprints and paths were replaced.
const recorded = (name: string) => readFileSync(join(import.meta.dirname, "testing", `${name}.jsonl`), "utf8");

test("the several steps of a replacement are one, with what needs it", () => {
  const { resources, finished, errors } = readEvents(recorded("replacements"));
  expect(Object.fromEntries(resources.map(({ name, fate }) => [name, fate]))).toEqual({
    new: "create",
    kept: "same",
    changed: "update",
    replaced: "replace",
    "replaced-first": "replace",
    gone: "delete",
  });
  expect(resources.filter(({ fate }) => fate === "replace").map(({ replacedBy }) => replacedBy)).toEqual([
    ["file"],
    ["file"],
  ]);
  expect(resources.find(({ name }) => name === "replaced")).toMatchObject({
    before: { file: "c1" },
    after: { file: "c2" },
  });
  expect(resources.find(({ name }) => name === "changed")?.changed).toEqual(["text"]);
  expect(finished).toBe(true);
  expect(errors).toEqual([]);
});

test("secrets are known as secrets", () => {
  const kept = readEvents(recorded("replacements")).resources.find(({ name }) => name === "kept");
  expect(isSecret(kept?.after?.["token"])).toBe(true);
  expect(isSecret(kept?.after?.["password"])).toBe(false);
});

test("what is not known yet is no change, and the engine's own resources are none", () => {
  const { resources } = readEvents(recorded("drift-and-changes"));
  expect(resources.find(({ name, type }) => name === "alice" && type.endsWith("AllowListing"))?.changed).toEqual([
    "permission",
  ]);
  expect(resources.filter(({ type }) => type.startsWith("pulumi:"))).toEqual([]);
});

test("drift is what a refresh found different or gone", () => {
  const { drift } = readEvents(recorded("drift-and-changes"));
  expect(drift).toMatchObject([
    { name: "bob", gone: false, changes: [{ property: "permission", was: "Submission", is: "Disabled" }] },
    { name: "bob-connection", changes: [{ property: "drift", is: "is not connected" }] },
    { name: "alice-party-Alice", gone: true, changes: [] },
  ]);
});

test("a violation tells policy, resource and both sentences; that the preview failed for it is no error of its own", () => {
  const { violations, policies, errors } = readEvents(recorded("violation"));
  expect(violations).toEqual([
    {
      policy: "permissioned-domain",
      level: "mandatory",
      severity: "critical",
      description: "In production a domain only takes in participants on its allow-list.",
      message: 'policy: got "open"; expected "permissioned": an open domain takes in every participant that finds it',
      type: "pulumi-canton:domain:Domain",
      name: "mydomain",
    },
  ]);
  expect(policies).toHaveLength(16);
  expect(errors).toEqual([]);
});

test("a log that was cut off, or that there is none of, did not finish", () => {
  const log = recorded("replacements").split("\n");
  const cut = readEvents(`${log.slice(0, 5).join("\n")}\n{"sequence":5,"resourceP`);
  expect(cut.finished).toBe(false);
  expect(cut.resources.length).toBeGreaterThan(0);
  expect(readEvents("")).toMatchObject({ finished: false, resources: [] });
});

test("errors are told without the engine's marks for colours", () => {
  const event = { diagnosticEvent: { severity: "error", message: "<{%reset%}>the disk is full<{%reset%}>\n" } };
  expect(readEvents(`${JSON.stringify(event)}\n${JSON.stringify(event)}`).errors).toEqual(["the disk is full"]);
});

const step = (op: string, old: object | null, fresh: object | null) =>
  JSON.stringify({
    resourcePreEvent: { metadata: { op, urn: "urn:pulumi:a::b::t:i:T::x", type: "t:i:T", old, new: fresh } },
  });

test("what an update before has left and is deleted now does not make a replacement", () => {
  const state = { inputs: {} };
  const fate = (...steps: string[]) => readEvents(steps.join("\n")).resources.map((resource) => resource.fate);
  expect(fate(step("same", state, state), step("delete", state, null))).toEqual(["same"]);
  expect(fate(step("delete", state, null), step("create", null, state))).toEqual(["replace"]);
  expect(fate(step("delete", state, null))).toEqual(["delete"]);
});

test("drift of a secret, or of what is called one, shows no value", () => {
  const metadata = {
    op: "refresh",
    urn: "urn:pulumi:a::b::t:i:T::x",
    type: "t:i:T",
    old: { inputs: { password: "hunter22", settings: { token: "hunter23", size: 1 } } },
    new: { inputs: { password: "changed", settings: { token: "hunter23", size: 2 } } },
  };
  const { drift } = readEvents(JSON.stringify({ resOutputsEvent: { metadata } }));
  expect(drift[0]?.changes).toEqual([
    { property: "password", was: "[secret]", is: "[secret]" },
    { property: "settings", was: { token: "[secret]", size: 1 }, is: { token: "[secret]", size: 2 } },
  ]);
});
