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

/** How nodes are reached, besides by the URLs of the stack's outputs. */
export interface Access {
  /** PEM file of the authorities to trust for `https` URLs. Default: those of the machine. */
  readonly caFile?: string | undefined;
  /** PEM files of the certificate to show to admin APIs that ask for one. */
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  /** What is dialled in the place of a URL, whose host the server's certificate has to bear all the same. */
  readonly tunnels?: ReadonlyMap<string, { readonly address: string; readonly port: number }>;
}

/** The admin APIs of a network. */
export function adminApi({ caFile, clientCertificate, clientKey, tunnels }: Access): AdminApi {
  const target = (url: string): ClientTarget => {
    const tunnel = tunnels?.get(url);
    const tls = url.startsWith("https:") && {
      caFile,
      certChainFile: clientCertificate,
      privateKeyFile: clientKey,
      ...(tunnel && { serverName: new URL(url).hostname }),
    };
    return { ...(tunnel ?? { url }), ...(tls && { tls }) };
  };
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
