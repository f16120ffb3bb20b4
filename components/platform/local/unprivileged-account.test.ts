import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findPostgresBinaries, startPostgres } from "./embedded-postgres.ts";
import { isFree } from "./ports.ts";
import { candidateAccounts, chooseAccount } from "./unprivileged-account.ts";

const passwd = [
  "root:x:0:0:root:/root:/bin/bash",
  "daemon:x:1:1::/:/bin/false",
  "nobody:x:65534:65534::/:/bin/false",
  "someone:x:1000:1000::/home/someone:/bin/bash",
].join("\n");

describe("candidates", () => {
  const descriptions = (owner: number, empty: boolean) =>
    candidateAccounts(passwd, owner, empty).map(({ description }) => description);

  test("for a new folder: an account, a user namespace, an account that may enter root's folders", () => {
    expect(descriptions(0, true)).toEqual([
      "account nobody",
      "a user namespace",
      "account nobody with access to root's folders",
    ]);
  });

  test("for a folder with files: whoever wrote them", () => {
    expect(descriptions(0, false)).toEqual(["a user namespace"]);
    expect(descriptions(1000, false)).toEqual(["account someone", "account someone with access to root's folders"]);
  });
});

async function somePort(): Promise<number> {
  for (let port = 19_000; ; port += 1) if (await isFree(port)) return port;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "account-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A server runs, stops, and runs again on what it left. */
async function runsTwice(): Promise<number> {
  const directory = join(folder, "postgres");
  const place = { directory, port: await somePort(), logFile: join(folder, "postgres.log"), password: "for-a-test" };
  const first = await startPostgres(place);
  await first.stop();
  const second = await startPostgres(place);
  const { uid } = statSync(`/proc/${second.pid}`);
  await second.stop();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  return uid;
}

test.skipIf(process.getuid?.() !== 0)(
  "root, folders open to others: runs as an account of its own",
  async () => {
    chmodSync(folder, 0o755);
    expect(await runsTwice()).not.toBe(0);
  },
  60_000,
);

test.skipIf(process.getuid?.() !== 0 || !hasUserNamespaces())(
  "root, folders closed to others: runs in a user namespace",
  async () => {
    chmodSync(folder, 0o700);
    expect(await runsTwice()).toBe(0);
  },
  60_000,
);

test.skipIf(process.getuid?.() === 0)(
  "an ordinary user: runs as that",
  async () => {
    expect(await runsTwice()).toBe(process.getuid?.());
  },
  60_000,
);

test.skipIf(process.getuid?.() !== 0)("when no way works each is named with its reason", () => {
  const directory = join(folder, "closed");
  mkdirSync(directory, { mode: 0o700 });
  const { postgres } = findPostgresBinaries();
  const probe = { command: postgres, args: ["--no-such-option"] };
  expect(() => chooseAccount({ probe, directory, directoryIsEmpty: true })).toThrow(
    /refuses to run as root[\s\S]*account [\s\S]*a user namespace: [\s\S]*CANTON_HOME/,
  );
  expect(readdirSync(directory)).toEqual([]);
  expect(statSync(directory).uid).toBe(0);
});

function hasUserNamespaces(): boolean {
  try {
    execFileSync("unshare", ["--user", "--map-user=65534", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
