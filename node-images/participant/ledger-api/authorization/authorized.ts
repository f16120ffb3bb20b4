import { untilAborted } from "@pulumi-canton/runtime/abort.ts";
import type { CallContext, GrpcService } from "@pulumi-canton/runtime/grpc-server.ts";
import type { AnyHandler } from "@pulumi-canton/runtime/grpc-service.ts";
import { accessTokenExpired, invalidArguments, notPermitted, staleStreamAuthorization } from "../ledger-errors.ts";
import { callerOf, setCaller } from "./caller.ts";
import { type Claims, sameClaims, WILDCARD } from "./claims.ts";
import { decide } from "./decision.ts";
import { type AnyRule, RULES } from "./rules.ts";

/** Says who makes a call. */
export interface Authenticator {
  /** What the caller may do. Throws CantonError when it cannot be established who it is, or when it is nobody who may call. */
  authenticate(call: CallContext): Promise<Claims>;
  /** What the caller of a stream may do by now. Throws when it may no longer call at all. */
  renew(claims: Claims): Promise<Claims>;
}

/** Everybody may do everything: where no authentication is configured. */
export const noAuthentication: Authenticator = {
  authenticate: async () => WILDCARD,
  renew: async (claims) => claims,
};

/** What {@link authorized} needs. */
export interface AuthorizationOptions {
  /** Name of the node, for the metadata of errors. */
  readonly participant: string;
  readonly authenticator: Authenticator;
  /** How often the caller of a stream is looked at again, in milliseconds. Default 5000, as published. */
  readonly renewStreamsMs?: number;
}

/**
 * The services, reached only by those who may: the caller is established before the request is read, and the rule of the
 * rpc decided before its handler, built or not, gets it. A stream ends with ABORTED when the token expires or the rights change.
 *
 * @throws TypeError for an rpc that has no rule
 */
export function authorized(services: readonly GrpcService[], options: AuthorizationOptions): GrpcService[] {
  return services.map(({ methods }) => ({
    methods: methods.map(({ shape, handle }) => {
      const rule = RULES.get(shape.path);
      if (rule === undefined) throw new TypeError(`${shape.path} has no rule that says who may call it`);
      if (shape.requestStream) throw new TypeError(`${shape.path}: rules decide about one request, not about a stream`);
      if (rule === "open") return { shape, handle };
      const admit = async (call: CallContext) => setCaller(call, await options.authenticator.authenticate(call));
      return {
        shape,
        admit,
        handle: shape.responseStream ? stream(handle, rule, options) : unary(handle, rule, options.participant),
      };
    }),
  }));
}

type ClosedRule = Exclude<AnyRule, "open">;

/** The request as it is to be answered. */
function admitted(rule: ClosedRule, claims: Claims, request: unknown, participant: string): unknown {
  const decision = decide<unknown>(claims, rule(request), request);
  if (decision.kind === "denied") throw notPermitted(participant, decision.reason);
  if (decision.kind === "invalid") throw invalidArguments({ participant }, decision.reason);
  return decision.request;
}

function unary(handle: AnyHandler, rule: ClosedRule, participant: string): AnyHandler {
  return (request, call) => handle(admitted(rule, callerOf(call), request, participant), call);
}

function stream(handle: AnyHandler, rule: ClosedRule, options: AuthorizationOptions): AnyHandler {
  return async function* (request, call) {
    const claims = callerOf(call);
    const permitted = admitted(rule, claims, request, options.participant);
    const ended = new AbortController();
    const signal = AbortSignal.any([call.signal, ended.signal]);
    const inner = { ...call, signal };
    setCaller(inner, claims);
    const stopWatching = watch(claims, options, (error) => ended.abort(error));
    const iterator = (handle(permitted, inner) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    try {
      while (true) {
        const next = await untilAborted(iterator.next(), signal);
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      stopWatching();
      // Not awaited: a handler that is busy ends when that is done.
      iterator.return?.().catch(() => undefined);
    }
  };
}

/** Ends a stream when its caller may no longer read it. Gives back what stops looking. */
function watch(
  claims: Claims,
  { participant, authenticator, renewStreamsMs = 5_000 }: AuthorizationOptions,
  end: (error: Error) => void,
): () => void {
  const { expiresAt } = claims;
  let expiry: NodeJS.Timeout | undefined;
  const awaitExpiry = () => {
    if (expiresAt === undefined) return;
    const left = expiresAt - Date.now();
    if (left <= 0) end(accessTokenExpired(participant));
    else expiry = setTimeout(awaitExpiry, Math.min(left, 2 ** 31 - 1));
  };
  awaitExpiry();
  const renewal = setInterval(() => {
    authenticator.renew(claims).then(
      (present) => {
        if (!sameClaims(present, claims)) end(staleStreamAuthorization(participant));
      },
      () => end(staleStreamAuthorization(participant)),
    );
  }, renewStreamsMs);
  return () => {
    clearTimeout(expiry);
    clearInterval(renewal);
  };
}
