import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cacheDirectory } from "../environment/paths.ts";
import { findGo } from "./go.ts";
import { goProgram } from "./go-program.ts";

let folder: string;
let sources: string;
let environment: NodeJS.ProcessEnv;
let there: boolean;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pulumi-canton-go-"));
  sources = join(folder, "sources");
  mkdirSync(sources);
  writeFileSync(join(sources, "go.mod"), "module example.com/hello\n\ngo 1.21\n");
  // The cache of Go itself stays where it is.
  environment = { ...process.env, XDG_CACHE_HOME: join(folder, "cache"), GOCACHE: join(folder, "go"), GOPROXY: "off" };
  there = (await findGo(process.env, join(cacheDirectory(process.env), "engine"), () => {})) !== undefined;
  if (!there) console.warn("SKIPPED: there is no Go, so nothing is built with it");
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = () => ({ name: "hello", version: "1", folder: sources, mainPackage: "." });
const saying = (text: string) => `package main\n\nimport "os"\n\nfunc main() { os.Stdout.WriteString("${text}") }\n`;

test("a program is built once, and nothing of a build that was killed stays", { timeout: 120_000 }, async (context) => {
  if (!there) return context.skip();
  const cache = cacheDirectory(environment);
  mkdirSync(join(cache, "hello-1-killed"), { recursive: true });
  writeFileSync(join(sources, "main.go"), saying("one"));
  const file = await goProgram(program(), environment, () => {});
  expect(file).toBe(join(cache, "hello-1"));
  expect(execFileSync(file as string, { encoding: "utf8" })).toBe("one");
  writeFileSync(join(sources, "main.go"), saying("two"));
  expect(await goProgram(program(), environment, () => {})).toBe(file);
  expect(execFileSync(file as string, { encoding: "utf8" })).toBe("one");
  expect(readdirSync(cache).filter((each) => each.startsWith("hello"))).toEqual(["hello-1"]);
});

test("what does not compile says what the compiler said", { timeout: 120_000 }, async (context) => {
  if (!there) return context.skip();
  writeFileSync(join(sources, "main.go"), "package main\n\nfunc main() { nobody() }\n");
  const outcome = await goProgram({ ...program(), version: "2" }, environment, () => {});
  expect(outcome).toMatchObject({ unavailable: expect.stringContaining("undefined: nobody") });
});
