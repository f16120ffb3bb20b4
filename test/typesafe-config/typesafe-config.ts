/** The library by which Canton and Daml's programs read their configuration, got by Maven and run by Java. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../scripts/environment/paths.ts";

const version = "1.4.3";
const run = promisify(execFile);

/** Reads texts of HOCON; variables of the environment are those given. */
export type ReadHocon = (texts: readonly string[], variables?: Readonly<Record<string, string>>) => Promise<unknown[]>;

/** The library, or why it cannot be had here. */
export async function typesafeConfig(): Promise<ReadHocon | { readonly unavailable: string }> {
  const cache = cacheDirectory(process.env);
  const file = join(cache, `typesafe-config-${version}.jar`);
  try {
    await run("javac", ["-version"], { timeout: 30_000 }); // Java runs a source file only with a compiler.
    if (!existsSync(file)) await download(cache, file);
  } catch (error) {
    return { unavailable: error instanceof Error ? (error.message.split("\n")[0] as string) : String(error) };
  }
  return async (texts, variables = {}) => {
    const program = join(import.meta.dirname, "ReadHocon.java");
    const child = execFile("java", ["-cp", file, program], {
      env: { ...process.env, ...variables },
      timeout: 60_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    let [stdout, stderr] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdin?.end(texts.map((text) => `${Buffer.from(text).toString("base64")}\n`).join(""));
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(stderr);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  };
}

async function download(cache: string, file: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(`${file}-`);
  try {
    const plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
    const artifact = `-Dartifact=com.typesafe:config:${version}`;
    await run("mvn", ["--quiet", "--batch-mode", plugin, artifact, `-DoutputDirectory=${staging}`], {
      timeout: 180_000,
    });
    renameSync(join(staging, `config-${version}.jar`), file);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
