/** Calls to the Ledger API of a participant as an administrator. No Pulumi. */
import { type Client, status } from "@grpc/grpc-js";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import {
  bearerMetadata,
  type ClientConstructor,
  call,
  connect,
  type RequestOf,
  type ResponseOf,
  type UnaryMethodName,
} from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../platform/platform.ts";
import { callDeadlineMs } from "../topology/convergence.ts";

/** Where, and with whose right. */
export interface LedgerAccess {
  /** Ledger API of the participant. */
  readonly ledgerApi: Endpoint;
  /** Token of an administrator, where the Ledger API asks for one. */
  readonly token?: string;
}

/** Makes calls of one service, with the token. */
export interface LedgerCalls<C extends Client> {
  <M extends UnaryMethodName<C>>(method: M, request: RequestOf<C, M>): Promise<ResponseOf<C, M>>;
}

/** Works with a client of a service. */
export async function withLedger<C extends Client, T>(
  { ledgerApi, token }: LedgerAccess,
  constructor: ClientConstructor<C>,
  work: (calls: LedgerCalls<C>) => Promise<T>,
): Promise<T> {
  const metadata = token === undefined ? {} : { metadata: bearerMetadata(ledgerApi, token) };
  const client = connect(constructor, ledgerApi);
  try {
    return await work((method, request) => call(client, method, request, { deadlineMs: callDeadlineMs, ...metadata }));
  } finally {
    client.close();
  }
}

/** What a refusal means for whoever wrote the configuration. */
export function explain(error: Error, { token }: LedgerAccess): string {
  const { message } = error;
  if (!isCantonError(error)) return message;
  if (error.code === status.UNAUTHENTICATED) {
    return token === undefined
      ? "its Ledger API asks for a token; give that of an administrator as token, a secret"
      : "its Ledger API does not accept the token: it may have expired; give another one";
  }
  if (error.code === status.PERMISSION_DENIED) return "the token is not that of an administrator of the participant";
  return error.reason === "" ? message : `${error.reason}: ${message}`;
}

/** What a call gives, or undefined where there is no such thing. */
export async function ifFound<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (isCantonError(error) && error.code === status.NOT_FOUND) return undefined;
    throw error;
  }
}
