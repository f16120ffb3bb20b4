import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * The stack configuration that people write is `Pulumi.<stack>.yaml` in the clone. The engine wants to keep the salt
 * of the machine's own passphrase in that file, where it would be a change that nobody made and that fits no other
 * machine. So the engine works on a copy outside the clone that has the salt, and the clone's file stays without.
 */
export interface StackConfig {
  /** The file in the clone; need not exist. */
  readonly source: string;
  /** The engine's copy. */
  readonly copy: string;
}

/**
 * Where a stack's configuration and its copy are.
 *
 * @param source another file than `Pulumi.<stack>.yaml` in the clone (`CANTON_CONFIG`)
 */
export function stackConfig(root: string, configFolder: string, stack: string, source?: string): StackConfig {
  const name = `Pulumi.${stack}.yaml`;
  return { source: source ? resolve(source) : join(root, name), copy: join(configFolder, name) };
}

/** Brings the engine's copy up to date with the clone's file, keeping the salt that the copy has. */
export function refreshCopy({ source, copy }: StackConfig): void {
  const written = read(source);
  const { salt } = split(read(copy));
  const { rest, salt: salted } = split(written);
  const content = withSalt(rest, salt === "" ? salted : salt);
  if (content === read(copy) && existsSync(copy)) return;
  mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
  replace(copy, content);
}

/** After the engine was told to change configuration: brings the change into the clone's file. Answers whether there was one. */
export function adoptChanges({ source, copy }: StackConfig): boolean {
  const { rest } = split(read(copy));
  if (rest === split(read(source)).rest) return false;
  replace(source, rest);
  return true;
}

const saltLine = /^encryptionsalt:.*(?:\n|$)/gm;

function split(content: string): { rest: string; salt: string } {
  const salts = content.match(saltLine) ?? [];
  return { rest: content.replace(saltLine, ""), salt: salts[0]?.trimEnd() ?? "" };
}

function withSalt(rest: string, salt: string): string {
  if (salt === "") return rest;
  return `${rest}${rest === "" || rest.endsWith("\n") ? "" : "\n"}${salt}\n`;
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function replace(file: string, content: string): void {
  const staging = `${file}.${process.pid}`;
  writeFileSync(staging, content);
  renameSync(staging, file);
}
