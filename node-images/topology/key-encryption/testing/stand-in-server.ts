/** For tests: an HTTP server that stands in for a key management service, keeps what it was asked, and fails when told to. */
import { readFileSync } from "node:fs";
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { CertificateFiles } from "@pulumi-canton/runtime/testing/certificates.ts";

/** A request as it came in. */
export interface StandInRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer: JSON, or nothing at all. */
export type StandInAnswer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body: unknown }
  | "never";

/** A server that stands in. */
export interface StandInServer extends AsyncDisposable {
  readonly url: string;
  /** What was asked of the service itself, oldest first. */
  readonly requests: StandInRequest[];
  /** Answers of the next requests, before any other. */
  readonly next: StandInAnswer[];
}

/** A request is not as documented: answered with 400, and seen in the test by the refusal. */
export class MalformedRequestError extends Error {
  override readonly name = "MalformedRequestError";
}

/** Makes sure that a request is as documented. */
export function demand(condition: unknown, what: string): asserts condition {
  if (!condition) throw new MalformedRequestError(what);
}

/** Starts a server on loopback; with `certificate` it speaks TLS. */
export async function startStandInServer(
  handle: (request: StandInRequest) => StandInAnswer,
  certificate?: CertificateFiles,
): Promise<StandInServer> {
  const requests: StandInRequest[] = [];
  const next: StandInAnswer[] = [];
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const body = (await incoming.toArray()).join("");
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body };
    requests.push(request);
    let answer = next.shift();
    try {
      answer ??= handle(request);
    } catch (error) {
      answer = { status: 400, body: { error: (error as Error).message, errors: [(error as Error).message] } };
    }
    if (answer === "never") return;
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    response.end(JSON.stringify(answer.body));
  };
  const server =
    certificate === undefined
      ? createHttpServer(serve)
      : createHttpsServer(
          { cert: readFileSync(certificate.certChainFile), key: readFileSync(certificate.privateKeyFile) },
          serve,
        );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests,
    next,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
