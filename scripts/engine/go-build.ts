import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

/** What is compiled, and from where. */
export interface GoBuild {
  /** The compiler. */
  readonly go: string;
  /** Folder with `go.mod` and `go.sum`, which say what the build accepts. */
  readonly folder: string;
  /** The package to build. */
  readonly mainPackage: string;
  /** File to write, relative to the folder. */
  readonly output: string;
  /** Variables of packages that the linker sets, by their full name. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** How often the person who waits hears how far it is. */
const progressEveryMs = 15_000;

/** Longest time that a build may take. */
const buildMs = 20 * 60_000;

/**
 * Compiles a program from Go modules. What was compiled is kept by Go: the next try goes on from there.
 *
 * @param say told every quarter of a minute how far it is, and how long it took
 * @throws Error with the end of what the compiler said
 */
export async function goBuild(build: GoBuild, environment: NodeJS.ProcessEnv, say: (line: string) => void) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const env = { ...environment, CGO_ENABLED: "0", GOWORK: "off" };
  let [compiled, total] = [0, 0];
  const progress = setInterval(() => {
    const done = total === 0 ? "fetching modules" : `${Math.min(compiled, total)} of at most ${total} packages`;
    say(`  ${seconds()} s: ${done}`);
  }, progressEveryMs);
  try {
    const signal = AbortSignal.timeout(buildMs);
    const options = { cwd: build.folder, env, signal };
    const { stdout } = await promisify(execFile)(build.go, ["list", "-mod=readonly", "-deps", build.mainPackage], {
      ...options,
      maxBuffer: 16 * 1024 * 1024,
    });
    total = stdout.trim().split("\n").length;
    await compile(build, options, () => {
      compiled += 1;
    });
    say(`  built in ${seconds()} s`);
  } catch (cause) {
    const output = (cause as { stderr?: string }).stderr || (cause instanceof Error ? cause.message : String(cause));
    throw new Error(output.trim().split("\n").slice(-15).join("\n"), { cause });
  } finally {
    clearInterval(progress);
  }
}

async function compile(
  { go, mainPackage, output, variables = {} }: GoBuild,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
  line: () => void,
): Promise<void> {
  const linker = ["-s", "-w", ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(" ");
  const args = ["build", "-v", "-mod=readonly", "-buildvcs=false", "-ldflags", linker, "-o", output, mainPackage];
  const child = spawn(go, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  const stop = () => child.kill();
  process.once("exit", stop);
  try {
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      for (const _ of text.matchAll(/\n/g)) line();
      said = (said + text).slice(-4000);
    });
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(said.trim());
  } finally {
    process.off("exit", stop);
  }
}
