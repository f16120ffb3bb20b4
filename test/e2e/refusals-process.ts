/** Commands and nodes' programs as somebody starts them by hand, to their end. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { type Outcome, Running } from "./deployment.ts";

const root = join(import.meta.dirname, "..", "..");

/** The roles, each a program. */
export const roles = ["domain-manager", "sequencer", "mediator", "participant"] as const;

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

/** Runs one of the project's commands with another home or configuration than a deployment's. */
export function runCommand(
  environment: { readonly CANTON_HOME: string; readonly CANTON_CONFIG?: string },
  script: string,
  ...args: string[]
): Promise<Outcome> {
  const { CANTON_CONFIG: _, ...inherited } = process.env;
  return new Running(
    spawn(join(root, "scripts", script), args, {
      env: { ...inherited, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  ).ended;
}

/** Runs `node main.ts --config FILE` of a role until it ends by itself; one that does not is killed after 30 seconds. */
export function runNodeProgram(role: (typeof roles)[number], configFile: string): Promise<ProgramEnd> {
  const program = join(root, "node-images", role, "main.ts");
  const child = spawn(process.execPath, [program, "--config", configFile], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
