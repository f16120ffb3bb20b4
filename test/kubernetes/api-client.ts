/** Questions to a Kubernetes API server. */
import { Agent, type RequestOptions, request } from "node:https";
import { loopback } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";

/** Longest time of one request. */
const requestMs = 60_000;
/** A name that every API server's certificate bears. */
const serverName = "kubernetes";

/** An answer of the API server. */
export interface Answer {
  readonly status: number;
  /** Texts of its `Warning` headers. */
  readonly warnings: readonly string[];
  /** JSON, or else text. */
  readonly body: any;
}

/** What a request is made of, besides its path. */
export interface Request {
  readonly method?: "DELETE" | "GET" | "PATCH" | "POST";
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: unknown;
}

/** Where an API server is, and how it is talked to. */
export interface ApiAccess {
  /** Port on loopback. */
  readonly port: number;
  /** Bearer token of who asks. */
  readonly token: string;
  /** PEM of the certificate that the server is known by. */
  readonly certificate: string;
}

/** Asks one API server. */
export class ApiClient {
  readonly #access: ApiAccess;
  readonly #agent: Agent;

  constructor(access: ApiAccess) {
    this.#access = access;
    this.#agent = new Agent({ ca: access.certificate, servername: serverName, keepAlive: true });
  }

  /** Asks the server. @param path with the query. Example: `"/api/v1/namespaces"` */
  async ask(path: string, { method = "GET", accept, contentType, body }: Request = {}): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const options: RequestOptions = {
      host: loopback,
      port: this.#access.port,
      path,
      method,
      agent: this.#agent,
      timeout: requestMs,
      headers: {
        authorization: `Bearer ${this.#access.token}`,
        accept: accept ?? "application/json",
        ...(text !== undefined && {
          "content-type": contentType ?? "application/json",
          // Node does not tell by itself how long the body of a DELETE is.
          "content-length": Buffer.byteLength(text),
        }),
      },
    };
    return new Promise<Answer>((resolve, reject) => {
      const outgoing = request(options, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.once("error", reject);
        incoming.once("end", () => {
          const answer = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: incoming.statusCode ?? 0,
            warnings: warningsIn(incoming.headersDistinct["warning"] ?? []),
            body: incoming.headers["content-type"]?.startsWith("application/json") ? JSON.parse(answer) : answer,
          });
        });
      });
      outgoing.once("error", reject);
      outgoing.once("timeout", () => outgoing.destroy(new Error(`${method} ${path}: no answer in ${requestMs} ms`)));
      outgoing.end(text);
    });
  }

  /** Ends connections that are kept. */
  disconnect(): void {
    this.#agent.destroy();
  }
}

/** The texts of `299 - "text"`. */
function warningsIn(headers: readonly string[]): string[] {
  return headers.flatMap((header) =>
    [...header.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text.replaceAll('\\"', '"')),
  );
}
