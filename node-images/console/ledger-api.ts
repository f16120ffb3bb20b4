import { readFile } from "node:fs/promises";
import type { Client } from "@grpc/grpc-js";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import type { ClientConstructor, RequestOf, ResponseOf, UnaryMethodName } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Command } from "commander";
import type { ConsoleContext } from "./console-context.ts";
import { participantOf } from "./network.ts";
import { node } from "./options.ts";

/** Which Ledger API to call, and as whom. */
export interface LedgerApiOptions {
  readonly node?: string;
  readonly tokenFile?: string;
}

/** The Ledger API of one participant. */
export interface LedgerApi {
  call<C extends Client, M extends UnaryMethodName<C>>(
    type: ClientConstructor<C>,
    method: M,
    request: RequestOf<C, M>,
  ): Promise<ResponseOf<C, M>>;
}

/** Adds `--node` and `--token-file`. */
export function withLedgerApiOptions(command: Command): Command {
  return command
    .addOption(node("the only participant"))
    .option("--token-file <file>", "a file with the token (JWT) to call with, where the Ledger API asks for one");
}

/** The Ledger API that the options name. @throws ConsoleError */
export async function ledgerApiOf(context: ConsoleContext, options: LedgerApiOptions): Promise<LedgerApi> {
  const { name, ledgerApi } = participantOf(await context.network(), options.node);
  if (ledgerApi === undefined) {
    throw new ConsoleError(`The stack's outputs name no Ledger API of ${name}.`, "Run ./scripts/up again.");
  }
  const token = options.tokenFile === undefined ? undefined : await readToken(options.tokenFile);
  return { call: (type, method, request) => context.api().call(ledgerApi, type, method, request, { token }) };
}

/** Reads `key=value`, collecting repetitions. */
export function annotationArgument(given: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = given.indexOf("=");
  if (at > 0) return { ...before, [given.slice(0, at)]: given.slice(at + 1) };
  throw new ConsoleError(`${given} is no annotation.`, "Give key=value.");
}

async function readToken(file: string): Promise<string> {
  try {
    const token = (await readFile(file, "utf8")).trim();
    if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token;
  } catch (error) {
    throw new ConsoleError(`${file} cannot be read: ${(error as Error).message}`, "Name another file.");
  }
  throw new ConsoleError(`${file} holds no token.`, "A token is three parts of letters and digits, separated by dots.");
}
