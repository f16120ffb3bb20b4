/** gRPC services as async functions and generators, independent of the server that serves them. */
import { type Metadata, status } from "@grpc/grpc-js";
import { plainError } from "./errors.ts";

/** What a handler knows of the call that it answers. */
export interface CallContext {
  /** What the caller sent along. */
  readonly metadata: Metadata;
  /** Aborts when the caller goes away or cancels, at the deadline, and when the server closes by force; for streams as soon as the server starts closing. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting; `undefined` when it waits for ever. */
  readonly deadline: Date | undefined;
  /** Trace id of the request, 32 hex digits. */
  readonly traceId: string;
  /** Address of the caller, for logs. */
  readonly peer: string;
  /** Full name, for example `/com.example.Service/Method`. */
  readonly method: string;
}

/** A method as generated code defines it. */
export interface MethodShape {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestDeserialize: (bytes: Buffer) => any;
  readonly responseSerialize: (value: any) => Buffer;
}

/** A service as generated code defines it: `FooServiceService` of a generated file. */
export type ServiceShape = Readonly<Record<string, MethodShape>>;

type RequestOf<M extends MethodShape> = ReturnType<M["requestDeserialize"]>;
type ResponseOf<M extends MethodShape> = Parameters<M["responseSerialize"]>[0];

/** The request as a handler gets it: for a client stream, its messages in order. */
type HandlerRequest<M extends MethodShape> = M["requestStream"] extends true
  ? AsyncIterable<RequestOf<M>>
  : RequestOf<M>;

/** A handler: an async function, or an async generator when the response is a stream. */
export type Handler<M extends MethodShape> = M["responseStream"] extends true
  ? (request: HandlerRequest<M>, call: CallContext) => AsyncIterable<ResponseOf<M>>
  : (request: HandlerRequest<M>, call: CallContext) => Promise<ResponseOf<M>>;

/** Handlers by rpc name. One that is left out answers UNIMPLEMENTED. */
export type Handlers<S extends ServiceShape> = { readonly [M in keyof S]?: Handler<S[M]> };

/** A handler whose types the service definition has already checked. */
export type AnyHandler = (request: unknown, call: CallContext) => Promise<unknown> | AsyncIterable<unknown>;

/** A service that a server can serve. */
export interface GrpcService {
  readonly methods: readonly {
    readonly shape: MethodShape;
    readonly handle: AnyHandler;
    /** Looks at a call before its request is read; refuses it by throwing. */
    readonly admit?: (call: CallContext) => Promise<void>;
  }[];
}

/** The refusal of an rpc that this build does not have. */
function notBuiltError(path: string) {
  return plainError(status.UNIMPLEMENTED, `Method is not built: ${path.replace(/^\//, "")}`);
}

/**
 * A service made of handlers.
 *
 * A handler throws {@link CantonError} to refuse; what else it throws is told to the caller as INTERNAL with a trace id only.
 * A stream handler is pulled at the pace at which the caller reads, and its `finally` runs when the caller goes away.
 *
 * @param service generated definition, for example `VaultServiceService`
 * @param handlers by rpc name in camel case
 */
export function implement<const S extends ServiceShape>(service: S, handlers: Handlers<S>): GrpcService {
  for (const name of Object.keys(handlers)) {
    if (!Object.hasOwn(service, name)) throw new TypeError(`there is no rpc ${name} in the service`);
  }
  const methods = Object.entries(service).map(([name, shape]) => {
    const handler = handlers[name] as AnyHandler | undefined;
    const refuse: AnyHandler = () => {
      throw notBuiltError(shape.path);
    };
    return { shape, handle: handler ?? refuse };
  });
  return { methods };
}

/** A service of which this build has nothing: every rpc answers UNIMPLEMENTED and says so. */
export function notBuilt(service: ServiceShape): GrpcService {
  return implement(service, {});
}
