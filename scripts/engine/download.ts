import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Acquisition } from "./engine.ts";

/** How long the first sign of life from the download site may take. In a closed network this is what is lost. */
const reachableWithinMs = 8_000;

/** How long the whole download may take. */
const downloadedWithinMs = 10 * 60_000;

/**
 * Downloads the official release with the installer of Pulumi's own SDK (its Automation API has one) into the cache:
 * the engine and its language hosts side by side. Answers whether that worked; a network that lets nothing through is
 * no error, for there is another way.
 */
export async function downloadEngine({ environment, directory, say }: Acquisition, version: string): Promise<boolean> {
  mkdirSync(dirname(directory), { recursive: true });
  const staging = mkdtempSync(join(dirname(directory), `.download-${version}-`));
  try {
    const temporary = join(staging, "tmp");
    mkdirSync(temporary);
    const installer = spawn(
      process.execPath,
      [fileURLToPath(new URL("official-installer.ts", import.meta.url)), version, staging],
      {
        env: { ...environment, TMPDIR: temporary, PULUMI_SKIP_UPDATE_CHECK: "true" },
        stdio: "ignore",
        detached: true, // a process group of its own, so that what it starts can be ended with it
      },
    );
    const stop = () => {
      try {
        if (installer.pid !== undefined) process.kill(-installer.pid, "SIGKILL");
      } catch {
        // has ended
      }
    };
    process.once("exit", stop);
    // The installer first fetches its script into the temporary folder: that is the sign of life.
    const unreachable = setTimeout(() => {
      if (readdirSync(temporary).length === 0) stop();
    }, reachableWithinMs);
    const tooSlow = setTimeout(stop, downloadedWithinMs);
    const ended = await new Promise<boolean>((resolve) => {
      installer.once("error", () => resolve(false));
      installer.once("exit", (code) => resolve(code === 0));
    });
    clearTimeout(unreachable);
    clearTimeout(tooSlow);
    process.off("exit", stop);
    if (!ended || !existsSync(join(staging, "bin", "pulumi"))) return false;
    rmSync(directory, { recursive: true, force: true });
    renameSync(join(staging, "bin"), directory);
    say(`  downloaded ${directory}`);
    return true;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
