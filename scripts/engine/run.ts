import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Engine } from "./engine.ts";

/** How to run the engine. */
export interface EngineRun {
  readonly environment: NodeJS.ProcessEnv;
  readonly workingDirectory: string;
  /** Collect what the engine prints on stdout instead of showing it. Default false. */
  readonly capture?: boolean;
}

/** How an engine ended. */
export interface EngineOutcome {
  /** Its exit code; 128 plus the signal's number if a signal ended it. */
  readonly exitCode: number;
  /** What it printed on stdout, if that was captured. */
  readonly output: string;
}

/**
 * Runs the engine to its end. A signal does not end this process before the engine has: Ctrl-C reaches the engine
 * from the terminal, which then stops in order; other signals are passed on to it as such an interrupt.
 */
export async function runEngine(engine: Engine, args: readonly string[], run: EngineRun): Promise<EngineOutcome> {
  const child = spawn(engine.file, args, {
    env: run.environment,
    cwd: run.workingDirectory,
    stdio: ["inherit", run.capture ? "pipe" : "inherit", "inherit"],
  });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const fromTerminal = () => {};
  const passOn = () => child.kill("SIGINT");
  process.on("SIGINT", fromTerminal).on("SIGTERM", passOn).on("SIGHUP", passOn);
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        resolve({ exitCode: code ?? 128 + (signal ? constants.signals[signal] : 0), output });
      });
    });
  } finally {
    process.off("SIGINT", fromTerminal).off("SIGTERM", passOn).off("SIGHUP", passOn);
  }
}
