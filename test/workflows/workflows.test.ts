/** The workflows of GitHub Actions: what they may do, what they run, and that their own scripts do what they say. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { commentMark } from "../../scripts/preview-report/markdown.ts";

const root = join(import.meta.dirname, "..", "..");
const folder = join(root, ".github", "workflows");

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly if?: string;
  readonly environment?: string;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const text = (name: string) => readFileSync(join(folder, name), "utf8");
const workflow = (name: string) => parse(text(name)) as Workflow;
const stepOf = (file: string, job: string, name: string) =>
  workflow(file).jobs[job]?.steps.find((step) => step.name === name) as Step;

describe.each(readdirSync(folder))("%s", (name) => {
  const { permissions, jobs } = workflow(name);

  test("is given nothing as a whole but to read, and every job ends by itself", () => {
    for (const right of Object.values(permissions)) expect(right).toBe("read");
    for (const job of Object.values(jobs)) expect(job["timeout-minutes"]).toBeGreaterThan(0);
    expect(text(name)).not.toContain("pull_request_target");
  });

  test("uses actions by commit, with the version beside it, and leaves no credentials in the clone", () => {
    for (const line of text(name)
      .split("\n")
      .filter((each) => /^\s*(- )?uses:/.test(each))) {
      expect(line).toMatch(/uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
    for (const step of Object.values(jobs).flatMap((job) => job.steps)) {
      if (step.uses?.startsWith("actions/checkout@")) expect(step.with?.["persist-credentials"]).toBe(false);
    }
  });

  test("puts no text of others into a script, and runs what there is", () => {
    for (const { run = "" } of Object.values(jobs).flatMap((job) => job.steps)) {
      expect(run).not.toContain("${{");
      expect(spawnSync("bash", ["-n"], { input: run }).status).toBe(0);
      for (const [command] of run.matchAll(/(?:\.\/scripts|\.ci)\/\w+/g)) {
        expect(existsSync(join(root, command)), command).toBe(true);
      }
      for (const [, flags = ""] of run.matchAll(/\.\/scripts\/preview "\$STACK"([^>\n]*)>/g)) {
        const help = readFileSync(join(root, "scripts", "commands", "preview.ts"), "utf8");
        for (const flag of flags.trim().split(" ")) expect(help).toContain(`"${flag}"`);
      }
    }
  });
});

test("who may do what, and when", () => {
  expect(workflow("test.yml")).toMatchObject({ permissions: { contents: "read" }, on: { pull_request: null } });
  expect(workflow("preview.yml").on).toEqual({ pull_request: null });
  const { preview, comment } = workflow("preview.yml").jobs;
  // The job that runs the pull request's code cannot write, and the one that writes does not run it.
  expect(preview).toMatchObject({ permissions: { contents: "read", "id-token": "write" }, environment: "preview" });
  expect(preview?.if).toContain("head.repo.full_name == github.repository");
  expect(comment?.permissions).toEqual({ "pull-requests": "write" });
  expect(comment?.steps.some(({ uses }) => uses?.startsWith("actions/checkout"))).toBe(false);
  expect(Object.keys(workflow("drift.yml").on)).toEqual(["schedule", "workflow_dispatch"]);
  expect(workflow("drift.yml").jobs["drift"]?.permissions).toEqual({
    contents: "read",
    "id-token": "write",
    issues: "write",
  });
});

describe("scripts of the workflows, with a GitHub that only writes down what it is asked", () => {
  const jq = spawnSync("jq", ["--version"]).status === 0;
  let work: string;
  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), "pulumi-canton-workflow-"));
    mkdirSync(join(work, "bin"));
  });
  afterEach(() => rmSync(work, { recursive: true, force: true }));

  /** Runs a step with a `gh` that answers its first call with this, and gives back all its calls. */
  function runStep(
    step: Step,
    environment: Readonly<Record<string, string>>,
    answer: unknown,
  ): { status: number | null; calls: string[] } {
    const gh = join(work, "bin", "gh");
    writeFileSync(join(work, "answer.json"), JSON.stringify(answer));
    writeFileSync(
      gh,
      `#!/usr/bin/env bash
echo "$*" >>"${work}/calls"
# As gh does with --jq.
if [[ "$*" == *--jq* ]]; then jq -c "\${@: -1}" "${work}/answer.json"; elif [[ "$*" == *list* ]]; then cat "${work}/answer.json"; fi
`,
    );
    chmodSync(gh, 0o755);
    const { status } = spawnSync("bash", ["-e", "-c", step.run as string], {
      cwd: work,
      env: { PATH: `${join(work, "bin")}:${process.env["PATH"]}`, GITHUB_OUTPUT: join(work, "output"), ...environment },
    });
    const calls = existsSync(join(work, "calls")) ? readFileSync(join(work, "calls"), "utf8").trim().split("\n") : [];
    return { status, calls };
  }

  test.skipIf(!jq)("a comment of an earlier run is changed, another stack gets one of its own", () => {
    mkdirSync(join(work, "report"));
    writeFileSync(join(work, "report", "aws.md"), `${commentMark("aws")}\n### Preview`);
    writeFileSync(join(work, "report", "gcp.md"), `${commentMark("gcp")}\n### Preview`);
    writeFileSync(join(work, "report", "local.md"), "");
    const bot = { login: "github-actions[bot]" };
    const { status, calls } = runStep(stepOf("preview.yml", "comment", "Comment"), { REPOSITORY: "o/r", NUMBER: "7" }, [
      { id: 1, user: { login: "mallory" }, body: `${commentMark("gcp")}\nnot ours` },
      { id: 2, user: bot, body: `${commentMark("aws")}\nold` },
    ]);
    expect(status).toBe(0);
    expect(calls.slice(1)).toEqual([
      "api --method PATCH repos/o/r/issues/comments/2 --field body=@comment.md",
      "api --method POST repos/o/r/issues/7/comments --field body=@comment.md",
    ]);
  });

  const issue = stepOf("drift.yml", "drift", "Issue");
  const open = [{ number: 12, title: "Drift: aws", author: { is_bot: true } }];

  test.skipIf(!jq)("drift opens an issue, changes the one there is, and closes it when it is gone", () => {
    writeFileSync(join(work, "report.md"), "### Preview");
    const stack = { STACK: "aws" };
    expect(runStep(issue, { ...stack, VERDICT: "3" }, [])).toEqual({
      status: 3,
      calls: [expect.stringContaining("issue list"), "issue create --title Drift: aws --body-file issue.md"],
    });
    rmSync(join(work, "calls"));
    expect(runStep(issue, { ...stack, VERDICT: "3" }, open).calls[1]).toBe("issue edit 12 --body-file issue.md");
    rmSync(join(work, "calls"));
    const closed = runStep(issue, { ...stack, VERDICT: "0" }, open);
    expect(closed).toMatchObject({ status: 0 });
    expect(closed.calls[1]).toMatch(/^issue close 12 /);
    rmSync(join(work, "calls"));
    expect(runStep(issue, { ...stack, VERDICT: "0" }, []).calls).toHaveLength(1);
  });

  test.skipIf(!jq)("a preview that failed before it could report is an issue too", () => {
    writeFileSync(join(work, "report.md"), "");
    expect(runStep(issue, { STACK: "aws", VERDICT: "1" }, [])).toMatchObject({ status: 1 });
    expect(readFileSync(join(work, "issue.md"), "utf8")).toContain("exit code 1");
  });
});

test("the CI of anybody else runs the same", () => {
  expect(execFileSync("bash", ["-n", join(root, ".ci", "run")]).toString()).toBe("");
  expect(workflow("test.yml").jobs["test"]?.steps.at(-1)?.run).toBe(".ci/run");
});
