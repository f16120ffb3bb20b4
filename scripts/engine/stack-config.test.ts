import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { adoptChanges, refreshCopy, type StackConfig, stackConfig } from "./stack-config.ts";

const salt = "encryptionsalt: v1:abc=:v1:def:ghi==\n";
let folder: string;
let config: StackConfig;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-config-"));
  config = stackConfig(folder, join(folder, "copies"), "local");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const copy = () => readFileSync(config.copy, "utf8");
const source = () => readFileSync(config.source, "utf8");

test("the copy follows the clone's file and keeps the engine's salt", () => {
  writeFileSync(config.source, "# mine\nconfig:\n  a: 1\n");
  refreshCopy(config);
  expect(copy()).toBe("# mine\nconfig:\n  a: 1\n");
  writeFileSync(config.copy, `${copy()}${salt}`); // what the engine does
  writeFileSync(config.source, "# mine\nconfig:\n  a: 2"); // what a person does, without a last line end
  refreshCopy(config);
  expect(copy()).toBe(`# mine\nconfig:\n  a: 2\n${salt}`);
  expect(source()).not.toContain("salt");
});

test("what the engine changes comes back without the salt", () => {
  writeFileSync(config.source, "config:\n  a: 1\n");
  refreshCopy(config);
  writeFileSync(config.copy, `${salt}config:\n  a: 1\n  b: 2\n`);
  expect(adoptChanges(config)).toBe(true);
  expect(source()).toBe("config:\n  a: 1\n  b: 2\n");
  expect(adoptChanges(config)).toBe(false);
});

test("a stack that has no file needs none", () => {
  refreshCopy(config);
  expect(copy()).toBe("");
  writeFileSync(config.copy, salt);
  expect(adoptChanges(config)).toBe(false);
  expect(existsSync(config.source)).toBe(false);
  refreshCopy(config);
  expect(copy()).toBe(salt);
});

test("a salt that is in the clone's file is used where there is no other", () => {
  writeFileSync(config.source, `config: {}\n${salt}`);
  refreshCopy(config);
  expect(copy()).toBe(`config: {}\n${salt}`);
});
