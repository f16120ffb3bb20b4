/**
 * Calls to gRPC servers: promises for unary calls, async iterables for server streams. Every unary call has a deadline, every
 * call can be aborted, carries the trace of the running request, and fails with a {@link CantonError}.
 */
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import {
  type CallOptions,
  ChannelCredentials,
  type Client,
  type ClientOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { untilAborted } from "./abort.ts";
import { ConfigError, isLoopback } from "./config.ts";
import { fromServiceError, invalidArgument } from "./errors.ts";
import { loadTls } from "./tls.ts";
import { childSpan, currentTrace, formatTraceparent, newTrace, traceparentHeader } from "./trace.ts";

/** TLS of a client. `{}` trusts the machine's certificate authorities. */
export interface ClientTls {
  /** PEM file of the authorities to trust instead. */
  caFile?: string | undefined;
  /** PEM of the authorities to trust instead, for certificates that do not come from a file. */
  ca?: Buffer | string | undefined;
  /** PEM files of the client's own certificate, for servers that ask for one. */
  certChainFile?: string | undefined;
  privateKeyFile?: string | undefined;
  /** PEM of the client's own certificate and key, for those that do not come from files. */
  certChain?: string | undefined;
  privateKey?: string | undefined;
  /** The name that the server's certificate has to bear. Default: the address; a server behind a tunnel has another one. */
  serverName?: string | undefined;
}

/** Where a server is: `{ url: "https://host:port" }`, or host and port, with `tls` when it speaks TLS. */
export type ClientTarget = ({ url: string } | { address: string; port: number }) & {
  tls?: ClientTls | undefined;
  /** Largest response message in bytes. Default 64 MiB. */
  maxInboundMessageSize?: number | undefined;
};

/** Constructor of a generated client. */
export type ClientConstructor<C extends Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: Partial<ClientOptions>,
) => C;

/** Key-value pairs to send along; names of binary ones end in `-bin`. */
export type CallMetadata = Metadata | Readonly<Record<string, string | Buffer>>;

/**
 * A server's URL taken apart.
 *
 * @param url `http://host:port` or `https://host:port`; the port defaults to 80 and 443
 * @throws CantonError INVALID_ARGUMENT for anything else
 */
export function parseServerUrl(url: string): { address: string; port: number; tls: boolean } {
  const refuse = () =>
    invalidArgument(
      "INVALID_SERVER_URL",
      `${JSON.stringify(url)} is not the URL of a server; expected http://host:port or https://host:port`,
    );
  if (!URL.canParse(url)) throw refuse();
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(url);
  const tls = protocol === "https:";
  if (!tls && protocol !== "http:") throw refuse();
  if (hostname === "" || (pathname !== "/" && pathname !== "") || search + hash + username + password !== "")
    throw refuse();
  return { address: hostname, port: port === "" ? (tls ? 443 : 80) : Number(port), tls };
}

/**
 * The metadata that authenticates a caller with a token.
 *
 * @throws CantonError INVALID_ARGUMENT when the token would go to another machine in the clear
 */
export function bearerMetadata(target: ClientTarget, token: string): { authorization: string } {
  const { address, tls } = "url" in target ? parseServerUrl(target.url) : { ...target, tls: target.tls !== undefined };
  if (tls || isLoopback(address)) return { authorization: `Bearer ${token}` };
  throw invalidArgument(
    "TOKEN_IN_THE_CLEAR",
    `no token is sent to ${address} without TLS, where others could read it; expected an https URL, or one of this machine`,
  );
}

function clientCredentials(tls: ClientTls | undefined, address: string): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  const files = loadTls("tls", tls);
  const [ca, privateKey, certChain] = [
    tls.ca ?? files.ca,
    tls.privateKey ?? files.privateKey,
    tls.certChain ?? files.certChain,
  ].map((pem) => (pem === undefined ? null : Buffer.from(pem)));
  return ChannelCredentials.createSsl(ca, privateKey, certChain, {
    checkServerIdentity: (_name, certificate) =>
      checkServerIdentity(tls.serverName ?? withoutBrackets(address), certificate),
  });
}

function withoutBrackets(address: string): string {
  return address.startsWith("[") && address.endsWith("]") ? address.slice(1, -1) : address;
}

/**
 * The name to ask a TLS server for. An address is none, and Node warns of it on stderr: this machine's own are asked for
 * as `localhost`. The certificate is held against the address all the same, see {@link clientCredentials}.
 */
function serverName(tls: ClientTls | undefined, address: string): { "grpc.ssl_target_name_override"?: string } {
  if (tls?.serverName !== undefined) return { "grpc.ssl_target_name_override": tls.serverName };
  const named = tls === undefined || isIP(withoutBrackets(address)) === 0 || !isLoopback(address);
  return named ? {} : { "grpc.ssl_target_name_override": "localhost" };
}

/**
 * Makes a client. Nothing is sent before the first call; a lost connection is made anew by itself.
 *
 * @param Constructor generated, for example `VaultServiceClient`
 * @throws ConfigError for TLS files that cannot be used, or TLS settings with an http URL
 * @throws CantonError for a URL that is none
 */
export function connect<C extends Client>(Constructor: ClientConstructor<C>, target: ClientTarget): C {
  let address: string;
  let port: number;
  let tls = target.tls;
  if ("url" in target) {
    const parsed = parseServerUrl(target.url);
    ({ address, port } = parsed);
    if (parsed.tls) tls ??= {};
    else if (tls !== undefined) throw new ConfigError([`tls: is set for ${target.url}; expected an https:// URL`]);
  } else ({ address, port } = target);
  const host = address.includes(":") && !address.startsWith("[") ? `[${address}]` : address;
  return new Constructor(`${host}:${port}`, clientCredentials(tls, address), {
    ...serverName(tls, address),
    "grpc.max_receive_message_length": target.maxInboundMessageSize ?? 64 * 1024 * 1024,
    "grpc.max_send_message_length": -1,
    // A server that restarts is found again within a second or two, not after gRPC's default of up to two minutes.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2_000,
    // A machine that vanishes without a word is noticed.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
    // A proxy of the environment must not get in between processes of one machine.
    ...(isLoopback(address) ? { "grpc.enable_http_proxy": 0 } : {}),
  });
}

/** Makes a client as {@link connect} does, uses it, and closes it, whatever comes of it. */
export async function withClient<C extends Client, T>(
  Constructor: ClientConstructor<C>,
  target: ClientTarget,
  use: (client: C) => Promise<T>,
): Promise<T> {
  const client = connect(Constructor, target);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

function toMetadata(given: CallMetadata | undefined): Metadata {
  const metadata = given instanceof Metadata ? given.clone() : new Metadata();
  if (given !== undefined && !(given instanceof Metadata)) {
    for (const [key, value] of Object.entries(given)) metadata.set(key, value);
  }
  if (metadata.get(traceparentHeader).length === 0) {
    const trace = currentTrace();
    metadata.set(traceparentHeader, formatTraceparent(trace === undefined ? newTrace() : childSpan(trace)));
  }
  return metadata;
}

type UnaryMethod<Q, R> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: R) => void,
) => ClientUnaryCall;

type StreamMethod<Q, R> = (request: Q, metadata?: Metadata, options?: Partial<CallOptions>) => ClientReadableStream<R>;

/** Method of a stream in either direction: what it returns can be read or written. */
type StreamingMethod = (...args: never[]) => { read: unknown } | { write: unknown };

/** Names of a client's unary methods. */
export type UnaryMethodName<C> = {
  [M in keyof C]: C[M] extends StreamingMethod ? never : C[M] extends UnaryMethod<any, any> ? M : never;
}[keyof C] &
  string;
/** Names of a client's server-stream methods. */
export type StreamMethodName<C> = {
  [M in keyof C]: C[M] extends StreamMethod<any, any> ? M : never;
}[keyof C] &
  string;
/** Request of a client's unary or server-stream method. */
export type RequestOf<C, M extends keyof C> =
  C[M] extends StreamMethod<infer Q, infer _R> ? Q : C[M] extends UnaryMethod<infer Q, infer _R> ? Q : never;
/** Response of a client's unary or server-stream method; of a stream, one message. */
export type ResponseOf<C, M extends keyof C> =
  C[M] extends StreamMethod<infer _Q, infer R> ? R : C[M] extends UnaryMethod<infer _Q, infer R> ? R : never;

/** How to make a call. */
export interface UnaryCallOptions {
  /** Milliseconds after which the call fails with DEADLINE_EXCEEDED. */
  deadlineMs: number;
  /** Ends the call with the signal's reason. */
  signal?: AbortSignal | undefined;
  metadata?: CallMetadata | undefined;
  /** Waits, up to the deadline, for a server that is not reachable yet. Default false: UNAVAILABLE at once. */
  waitForReady?: boolean | undefined;
}

/**
 * Makes a unary call.
 *
 * @param client from {@link connect}
 * @param method name of the rpc in camel case
 * @throws CantonError with the server's code, reason and text; the signal's reason when aborted
 */
export function call<C extends Client, M extends UnaryMethodName<C>>(
  client: C,
  method: M,
  request: RequestOf<C, M>,
  options: UnaryCallOptions,
): Promise<ResponseOf<C, M>> {
  const { deadlineMs, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const metadata = toMetadata(options.metadata);
    if (options.waitForReady === true) metadata.setOptions({ waitForReady: true });
    let running: ClientUnaryCall | undefined;
    const onAbort = () => {
      running?.cancel();
      reject(signal?.reason);
    };
    const unary = client[method] as UnaryMethod<RequestOf<C, M>, ResponseOf<C, M>>;
    running = unary.call(client, request, metadata, { deadline: Date.now() + deadlineMs }, (error, response) => {
      signal?.removeEventListener("abort", onAbort);
      if (error === null) resolve(response);
      else reject(fromServiceError(error));
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

type UploadMethod<Q, R> = (
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: R) => void,
) => ClientWritableStream<Q>;

/** Names of a client's client-stream methods. */
export type UploadMethodName<C> = {
  [M in keyof C]: C[M] extends UploadMethod<any, any> ? M : never;
}[keyof C] &
  string;
type UploadRequestOf<C, M extends keyof C> = C[M] extends UploadMethod<infer Q, infer _R> ? Q : never;
type UploadResponseOf<C, M extends keyof C> = C[M] extends UploadMethod<infer _Q, infer R> ? R : never;

/**
 * Sends a stream of requests and gives back the one response. Requests are taken at the pace of the server.
 *
 * @throws CantonError with the server's code, reason and text; the signal's reason when aborted; what `requests` throws
 */
export async function upload<C extends Client, M extends UploadMethodName<C>>(
  client: C,
  method: M,
  requests: AsyncIterable<UploadRequestOf<C, M>> | Iterable<UploadRequestOf<C, M>>,
  options: UnaryCallOptions,
): Promise<UploadResponseOf<C, M>> {
  const { deadlineMs, signal } = options;
  signal?.throwIfAborted();
  const answered = Promise.withResolvers<UploadResponseOf<C, M>>();
  // Awaited below; until then a failure is not an unhandled one.
  answered.promise.catch(() => undefined);
  const over = new AbortController();
  const open = client[method] as UploadMethod<UploadRequestOf<C, M>, UploadResponseOf<C, M>>;
  const stream = open.call(
    client,
    toMetadata(options.metadata),
    { deadline: Date.now() + deadlineMs },
    (error, response) => {
      if (error === null) answered.resolve(response);
      else answered.reject(fromServiceError(error));
      over.abort();
    },
  );
  stream.on("error", () => undefined);
  const onAbort = () => {
    answered.reject(signal?.reason);
    over.abort();
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const request of requests) {
      if (over.signal.aborted) break;
      if (stream.write(request)) continue;
      const drained = Promise.withResolvers<void>();
      stream.once("drain", drained.resolve);
      await untilAborted(drained.promise, over.signal).catch(() => undefined);
    }
    stream.end();
    return await answered.promise;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stream.cancel();
  }
}

/** How to open a stream. */
export interface StreamCallOptions {
  /** Ends the stream with the signal's reason. */
  signal?: AbortSignal | undefined;
  metadata?: CallMetadata | undefined;
  /** Milliseconds after which the whole stream fails with DEADLINE_EXCEEDED. Default: none. */
  deadlineMs?: number | undefined;
}

/**
 * Opens a server stream. The call starts when the iteration does, and ends when the iteration is left by `break`, `return`
 * or `throw`. The server is held back while the messages are not read.
 *
 * @throws CantonError, from the iteration, with the server's code, reason and text; the signal's reason when aborted
 */
export async function* serverStream<C extends Client, M extends StreamMethodName<C>>(
  client: C,
  method: M,
  request: RequestOf<C, M>,
  options: StreamCallOptions = {},
): AsyncGenerator<ResponseOf<C, M>, void, undefined> {
  const { signal, deadlineMs } = options;
  signal?.throwIfAborted();
  const open = client[method] as StreamMethod<RequestOf<C, M>, ResponseOf<C, M>>;
  const stream = open.call(
    client,
    request,
    toMetadata(options.metadata),
    deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
  );
  const onAbort = () => stream.cancel();
  // Without this an error that arrives after the iteration was left would be an uncaught exception.
  stream.on("error", () => undefined);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const message of stream) {
      signal?.throwIfAborted();
      yield message as ResponseOf<C, M>;
    }
    signal?.throwIfAborted();
  } catch (error) {
    signal?.throwIfAborted();
    throw isServiceError(error) ? fromServiceError(error) : error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    stream.cancel();
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "metadata" in error;
}
