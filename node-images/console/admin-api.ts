import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@grpc/grpc-js";
import {
  type ClientConstructor,
  type ClientTarget,
  call,
  connect,
  type RequestOf,
  type ResponseOf,
  type UnaryMethodName,
} from "@pulumi-canton/runtime/grpc-client.ts";

/** Calls to the admin APIs of a network. */
export interface AdminApi {
  /**
   * Makes one call on a connection of its own.
   *
   * @param url the node's admin API, `http://host:port` or `https://host:port`
   * @throws CantonError with the node's status and reason
   */
  call<C extends Client, M extends UnaryMethodName<C>>(
    url: string,
    type: ClientConstructor<C>,
    method: M,
    request: RequestOf<C, M>,
    deadlineMs?: number,
  ): Promise<ResponseOf<C, M>>;
}

/**
 * The admin APIs of a network.
 *
 * @param caFile PEM file of the authorities to trust for `https` URLs; without it those of the machine
 */
export function adminApi(caFile: string | undefined): AdminApi {
  return {
    async call(url, type, method, request, deadlineMs = 10_000) {
      const target: ClientTarget =
        url.startsWith("https:") && caFile !== undefined ? { url, tls: { caFile } } : { url };
      const client = connect(type, target);
      try {
        return await call(client, method, request, { deadlineMs });
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
