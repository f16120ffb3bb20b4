import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@grpc/grpc-js";
import {
  bearerMetadata,
  type ClientConstructor,
  type ClientTarget,
  call,
  connect,
  type RequestOf,
  type ResponseOf,
  type UnaryMethodName,
} from "@pulumi-canton/runtime/grpc-client.ts";

/** How one call is made. */
export interface CallSettings {
  /** Milliseconds after which it fails. Default 10,000. */
  readonly deadlineMs?: number;
  /** A token for the Ledger API. */
  readonly token?: string | undefined;
  /** Further metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Calls to the APIs of a network's nodes. */
export interface AdminApi {
  /** How to reach the API at a URL, for code that makes its connections itself. */
  target(url: string): ClientTarget;
  /**
   * Makes one call on a connection of its own.
   *
   * @param url the node's API, `http://host:port` or `https://host:port`
   * @throws CantonError with the node's status and reason
   */
  call<C extends Client, M extends UnaryMethodName<C>>(
    url: string,
    type: ClientConstructor<C>,
    method: M,
    request: RequestOf<C, M>,
    settings?: CallSettings,
  ): Promise<ResponseOf<C, M>>;
}

/**
 * The admin APIs of a network.
 *
 * @param caFile PEM file of the authorities to trust for `https` URLs; without it those of the machine
 */
export function adminApi(caFile: string | undefined): AdminApi {
  const target = (url: string): ClientTarget =>
    url.startsWith("https:") && caFile !== undefined ? { url, tls: { caFile } } : { url };
  return {
    target,
    async call(url, type, method, request, { deadlineMs = 10_000, token, metadata = {} } = {}) {
      const client = connect(type, target(url));
      try {
        return await call(client, method, request, {
          deadlineMs,
          metadata: { ...metadata, ...(token === undefined ? {} : bearerMetadata(target(url), token)) },
        });
      } finally {
        client.close();
      }
    },
  };
}

/** The authority that the stack made for itself, when it made one. */
export function caFileOf(home: string): string | undefined {
  const file = join(home, "tls", "ca.crt");
  return existsSync(file) ? file : undefined;
}
