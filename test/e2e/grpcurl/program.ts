/** grpcurl, a gRPC client that nobody here wrote: from the PATH, from the cache, or built from Go modules. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { goProgram } from "../../../scripts/engine/go-program.ts";
import { executablesOnPath } from "../../../scripts/engine/on-path.ts";

const run = promisify(execFile);

/**
 * The program's file. Building takes half a minute, once per machine and version; what go.sum does not know is not
 * built.
 *
 * @returns or why it cannot be had here
 */
export async function grpcurl(): Promise<string | { readonly unavailable: string }> {
  const [onPath] = executablesOnPath("grpcurl", process.env["PATH"]);
  if (onPath !== undefined) return onPath;
  const program = {
    name: "grpcurl",
    // Keep in step with go.mod.
    version: "1.9.3",
    folder: import.meta.dirname,
    mainPackage: "github.com/fullstorydev/grpcurl/cmd/grpcurl",
  };
  return goProgram(program, process.env, console.log);
}

/** How a call ended. */
export interface Ending {
  /** gRPC's status code; 0 when it was answered. */
  readonly code: number;
  /** What grpcurl printed: the answers as JSON, or the refusal. */
  readonly text: string;
}

/**
 * Calls an rpc with an empty message.
 *
 * @param program {@link grpcurl}'s file
 * @param protoset file with the descriptors
 * @param url `http://host:port`
 * @param method `package.Service/Method`
 */
export async function callEmpty(program: string, protoset: string, url: string, method: string): Promise<Ending> {
  const options = ["-plaintext", "-protoset", protoset, "-max-time", "30", "-d", "{}"];
  try {
    const { stdout } = await run(program, [...options, new URL(url).host, method], { maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, text: stdout };
  } catch (error) {
    const { code, stderr = "" } = error as { code?: number; stderr?: string };
    // grpcurl ends with 64 and the status code when a call is refused.
    if (typeof code !== "number" || code < 64) throw error;
    return { code: code - 64, text: stderr };
  }
}
