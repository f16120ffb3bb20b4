import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Failure } from "./failure.ts";
import { ensureHome, isHome, removeHome } from "./home.ts";
import { ensurePassphrase } from "./passphrase.ts";
import { homeOf, root } from "./paths.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-home-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const homeIn = (name: string) => homeOf({ CANTON_HOME: join(folder, name) });

test("is .canton in the clone unless CANTON_HOME names another", () => {
  expect(homeOf({}).directory).toBe(join(root, ".canton"));
  expect(homeOf({ CANTON_HOME: "" }).directory).toBe(join(root, ".canton"));
  expect(homeOf({ CANTON_HOME: "elsewhere" }).directory).toBe(join(process.cwd(), "elsewhere"));
});

test("is made, known again, and removed whole", () => {
  const home = homeIn("new/deep");
  expect(isHome(home)).toBe(false);
  ensureHome(home);
  ensureHome(home);
  writeFileSync(join(home.directory, "data"), "");
  removeHome(home);
  expect(existsSync(home.directory)).toBe(false);
});

test("a folder with other things in it is neither used nor removed", () => {
  const home = homeIn("other");
  mkdirSync(home.directory);
  writeFileSync(join(home.directory, "thesis.tex"), "");
  expect(() => ensureHome(home)).toThrow(Failure);
  expect(() => ensureHome(home)).toThrow("thesis.tex");
  removeHome(home);
  expect(existsSync(join(home.directory, "thesis.tex"))).toBe(true);
});

test("a path that cannot be a folder is told, with the way out", () => {
  writeFileSync(join(folder, "file"), "");
  const home = homeIn("file/below");
  expect(() => ensureHome(home)).toThrow(/cannot write to .*below/);
});

test.runIf(existsSync("/proc/self"))("a file system that makes no folders is told too", () => {
  expect(() => ensureHome(homeOf({ CANTON_HOME: "/proc/canton/home" }))).toThrow("cannot write to /proc/canton/home");
});

test("the passphrase is made once, long, and for its owner only", () => {
  const { passphraseFile } = homeIn("home");
  ensurePassphrase(passphraseFile);
  const first = readFileSync(passphraseFile, "utf8");
  ensurePassphrase(passphraseFile);
  expect(readFileSync(passphraseFile, "utf8")).toBe(first);
  expect(first.trim().length).toBeGreaterThanOrEqual(43);
  expect(statSync(passphraseFile).mode & 0o777).toBe(0o600);
  expect(statSync(join(passphraseFile, "..")).mode & 0o777).toBe(0o700);
});
