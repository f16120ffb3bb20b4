import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Failure } from "../environment/failure.ts";
import { adoptChanges, checkSource, refreshCopy, type StackConfig, stackConfig } from "./stack-config.ts";

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

test("a file that the engine would misread or pass over is refused, with the line and what was meant", () => {
  const problem = (content: string) => {
    writeFileSync(config.source, content);
    try {
      checkSource(config);
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect((error as Failure).message).toContain(config.source);
      return (error as Failure).message;
    }
    return "";
  };
  expect(problem("")).toBe("");
  expect(problem(`config:\n  pulumi-canton:tls: true\n  aws:region: x\n${salt}`)).toBe("");
  expect(problem("config: [")).toMatch(/line 1, column \d+: is not valid YAML/);
  expect(problem("confg:\n  pulumi-canton:tls: true\n")).toContain("confg (line 1): unknown key; did you mean config?");
  expect(problem("config:\n  tls: true\n")).toMatch(/tls.* is without a namespace; expected pulumi-canton:tls/);
  expect(problem("config:\n  pulumi-cantn:tls: true\n")).toMatch(/\(line 2\).* did you mean pulumi-canton:tls\?/);
  expect(problem("config: 5\n")).toMatch(/config \(line 1\): got 5/);
});

test("a file that CANTON_CONFIG names has to be there, the clone's own need not", () => {
  checkSource(config);
  expect(() => checkSource(stackConfig(folder, folder, "local", join(folder, "none.yaml")))).toThrow(
    /CANTON_CONFIG is .*none\.yaml, and there is no such file/,
  );
});
