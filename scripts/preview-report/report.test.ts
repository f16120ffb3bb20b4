import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { policySettings } from "../policy-pack/settings.ts";
import { markdownReport } from "./markdown.ts";
import { exitCodeOf, exitCodes, previewReport } from "./report.ts";
import { textReport } from "./text.ts";

const production = { "pulumi-canton:environment": "production" };
const report = (name: string, config: Readonly<Record<string, unknown>> = {}) => {
  const log = name === "" ? "" : readFileSync(join(import.meta.dirname, "testing", `${name}.jsonl`), "utf8");
  return previewReport("local", log, policySettings("local", config));
};
const text = (name: string, colour = false) => textReport(report(name), { colour });
const red = "\u001b[1;31m";

describe("text", () => {
  test("replacements come first, marked, and in red at a terminal", () => {
    expect(text("replacements")).toContain(
      "Preview of local: 1 to create, 1 to update, 2 TO REPLACE, 1 to delete; 1 unchanged",
    );
    expect(text("replacements")).toContain("!! recorded Thing replaced, because of file");
    expect(text("replacements")).not.toContain("\u001b");
    expect(text("replacements", true)).toContain(`${red}!! recorded Thing replaced, because of file`);
    expect(text("drift-and-changes", true)).not.toContain(red);
  });

  test("resources by kind, the topology in words, drift", () => {
    const told = text("drift-and-changes");
    expect(told).toMatch(/topology Party +2 +1/);
    expect(told).toMatch(/local Node +6\n/);
    expect(told).toContain(
      "  participant alice is left with Observation on domain mydomain, where it had Submission\n",
    );
    expect(told).toContain(
      'topology AllowListing bob: permission is "Disabled", and the last update left "Submission"',
    );
    expect(told).toContain("topology Party alice-party-Alice: is not there any more");
    expect(told).toContain("Policies: 17 asked, none violated");
  });

  test("a violated policy says what to do", () => {
    expect(text("violation")).toContain("violations: 1 mandatory, 0 advisory");
    expect(text("violation")).toContain("!! [mandatory] permissioned-domain: Domain (component) mydomain");
    expect(text("violation")).toContain('policy: got "open"; expected "permissioned"');
  });
});

describe("markdown", () => {
  test("a comment can be found again, and shouts what is dangerous", () => {
    const comment = markdownReport(report("replacements"));
    expect(comment.split("\n")[0]).toBe("<!-- pulumi-canton preview of local -->");
    expect(comment).toContain("> [!CAUTION]\n> **2 to replace**");
    expect(comment).toContain("> - recorded Thing `replaced`, because of `file`");
    expect(comment).toContain("| recorded Thing | 1 | 1 | **2** | 1 |");
    expect(markdownReport(report("drift-and-changes"))).not.toContain("CAUTION");
    expect(markdownReport(report("violation"))).toContain("> **1 mandatory policy violations.**");
  });

  test("text of a program stays text", () => {
    const event = (message: string) => JSON.stringify({ diagnosticEvent: { severity: "error", message } });
    const comment = markdownReport(
      previewReport("local", event("`@everybody` <img src=x> | *bold*"), policySettings("local", {})),
    );
    expect(comment).toContain("> - `` `@everybody` <img src=x> \\| *bold* ``");
  });
});

describe("secrets among the inputs", () => {
  test("plain ones are told by path, never by value", () => {
    const { violations } = report("replacements", production).policies;
    expect(violations.map(({ policy, level, name, message }) => [policy, level, name, message.split(":")[0]])).toEqual([
      ["secret-inputs", "mandatory", "kept", "nested.clientSecret"],
      ["secret-inputs", "mandatory", "kept", "password"],
    ]);
    expect(JSON.stringify(violations)).not.toMatch(/"plain"|p2/);
  });

  test("in development it is advice, and an exemption holds", () => {
    expect(report("replacements").policies.violations[0]?.level).toBe("advisory");
    const exempt = { policy: "secret-inputs", resource: "kept", reason: "it is a public example" };
    expect(report("replacements", { ...production, "policies:exemptions": [exempt] }).policies.violations).toEqual([]);
  });
});

test("the exit code says what there is to object to", () => {
  expect(exitCodeOf(report("drift-and-changes"), 0)).toBe(exitCodes.fine);
  expect(exitCodeOf(report("drift-and-changes"), 0, { noChanges: true })).toBe(exitCodes.changes);
  expect(exitCodeOf(report("drift-and-changes"), 0, { noReplacements: true })).toBe(exitCodes.fine);
  expect(exitCodeOf(report("replacements"), 0, { noReplacements: true, noChanges: true })).toBe(exitCodes.replacements);
  expect(exitCodeOf(report("replacements", production), 0)).toBe(exitCodes.policies);
  expect(exitCodeOf(report("violation"), 1)).toBe(exitCodes.policies);
  expect(exitCodeOf(report("drift-and-changes"), 1)).toBe(exitCodes.failed);
  expect(exitCodeOf(report(""), 1)).toBe(exitCodes.failed);
  // The engine says that it is well, and has told nothing.
  expect(exitCodeOf(report(""), 0)).toBe(exitCodes.failed);
});

test("the report is plain data for programs", () => {
  expect(JSON.parse(JSON.stringify(report("drift-and-changes")))).toMatchObject({
    stack: "local",
    finished: true,
    counts: { create: 3, update: 9, replace: 0, delete: 1 },
    topology: expect.arrayContaining(["participant bob connects to domain mydomain again"]),
    cost: { before: 0, after: 0 },
  });
});
