import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigError, loadConfig, nearMiss } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { Failure } from "../environment/failure.ts";
import { projectName } from "./stack-state.ts";

/**
 * The stack configuration that people write is `Pulumi.<stack>.yaml` in the clone. The engine wants to keep the salt
 * of the machine's own passphrase in that file, where it would be a change that nobody made and that fits no other
 * machine. So the engine works on a copy outside the clone that has the salt, and the clone's file stays without.
 */
export interface StackConfig {
  /** The file in the clone, which need not exist, or the one that `CANTON_CONFIG` names. */
  readonly source: string;
  /** Whether `CANTON_CONFIG` names it: then it has to exist. */
  readonly named: boolean;
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
  const named = source !== undefined && source !== "";
  return { source: named ? resolve(source) : join(root, name), named, copy: join(configFolder, name) };
}

/** What the engine reads of such a file. It passes over keys that it does not know, so a typo would go unnoticed. */
const stackFileSchema = z.strictObject({
  config: z
    .record(z.string(), z.unknown())
    .superRefine((values, context) => {
      for (const key of Object.keys(values)) {
        const message = keyProblem(key);
        if (message !== undefined) context.addIssue({ code: "custom", path: [key], message });
      }
    })
    .nullish(),
  environment: z.unknown().optional(),
  secretsprovider: z.unknown().optional(),
  encryptedkey: z.unknown().optional(),
  encryptionsalt: z.unknown().optional(),
});

function keyProblem(key: string): string | undefined {
  const [namespace, name] = key.includes(":") ? key.split(":", 2) : [undefined, key];
  if (namespace === undefined) return `is without a namespace; expected ${projectName}:${name}`;
  if (namespace === projectName || nearMiss(namespace, [projectName]) === undefined) return undefined;
  return `is of another project; did you mean ${projectName}:${name}?`;
}

/**
 * Checks what can be told before the engine reads the file; the stack's own keys are checked by its program.
 *
 * @throws {Failure} naming the file, the line and the key
 */
export function checkSource({ source, named }: StackConfig): void {
  if (!existsSync(source)) {
    if (!named) return;
    throw new Failure(
      `CANTON_CONFIG is ${source}, and there is no such file`,
      ["Name a file that is there, or leave CANTON_CONFIG out: then Pulumi.<stack>.yaml of the clone is taken."],
      78,
    );
  }
  try {
    loadConfig(stackFileSchema, source);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new Failure(error.message, ["Nothing was changed. Correct the file and run the command again."], 78);
  }
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
