/** promtool and amtool, which Prometheus' own people made: from the PATH, or out of Debian's packages. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { executablesOnPath } from "../../scripts/engine/on-path.ts";
import { debianPackages } from "../debian-packages.ts";

const run = promisify(execFile);
const packages = { promtool: "prometheus", amtool: "prometheus-alertmanager" } as const;

/**
 * The program's file.
 *
 * @returns or why it cannot be had here
 */
export async function prometheusTool(tool: keyof typeof packages): Promise<string | { readonly unavailable: string }> {
  const [onPath] = executablesOnPath(tool, process.env["PATH"]);
  if (onPath !== undefined) return onPath;
  const unpacked = await debianPackages(packages[tool]);
  return "unavailable" in unpacked ? unpacked : join(unpacked.folder, "usr", "bin", tool);
}

/** How a program ended, with all that it printed. */
export async function runTool(file: string, args: readonly string[], cwd?: string) {
  try {
    const { stdout, stderr } = await run(file, [...args], { cwd, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 });
    return { ok: true, text: `${stdout}${stderr}`, stdout };
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as { stdout?: string; stderr?: string; message: string };
    return { ok: false, text: `${stdout}${stderr}` || message, stdout };
  }
}
