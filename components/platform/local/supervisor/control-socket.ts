/** The socket between the supervisor and its clients: one JSON request a line, one JSON answer a line. */
import { closeSync, constants, openSync } from "node:fs";
import type { Socket } from "node:net";
import { basename, dirname } from "node:path";
import { z } from "zod";
import { processNameSchema, processStateSchema } from "./process-spec.ts";

/** Raised when requests or answers change; a client that meets another version replaces the supervisor. */
export const protocolVersion = 1;

/** What a client may ask. */
export const requestSchema = z.discriminatedUnion("op", [
  /** Who are you? */
  z.strictObject({ op: z.literal("hello") }),
  /** The spec file of this process was written: make it so. Answers when the process was started. */
  z.strictObject({ op: z.literal("apply"), name: processNameSchema }),
  /** End this process and forget it. Answers when it is gone. */
  z.strictObject({ op: z.literal("remove"), name: processNameSchema }),
  /** What do you know of every process? */
  z.strictObject({ op: z.literal("status") }),
  /** End, and leave the processes running for the next supervisor. */
  z.strictObject({ op: z.literal("leave") }),
]);

/** What a client may ask. */
export type Request = z.infer<typeof requestSchema>;

/** What the supervisor answers. */
export const answerSchema = z.union([
  z.strictObject({ error: z.string() }),
  z.strictObject({ version: z.number(), pid: z.number(), processes: z.array(processStateSchema) }),
]);

/** What the supervisor answers: every answer that is no error carries the same. */
export type Answer = z.infer<typeof answerSchema>;

/** Longest path that fits into a socket's address on every Unix, with its end mark. */
const longestPath = 103;

/**
 * A path for the socket that is short enough for a socket's address, however deep the home lies: through an open handle
 * of its folder. Release it when the socket is bound or connected no more.
 */
export function shortPath(socket: string): { readonly path: string; release(): void } {
  if (Buffer.byteLength(socket) <= longestPath) return { path: socket, release: () => undefined };
  const folder = openSync(dirname(socket), constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${folder}/${basename(socket)}`, release: () => closeSync(folder) };
}

/** Calls `take` with every whole line that arrives. */
export function onLines(socket: Socket, take: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}
