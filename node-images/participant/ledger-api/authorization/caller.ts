import type { CallContext } from "@pulumi-canton/runtime/grpc-server.ts";
import type { Claims } from "./claims.ts";

const callers = new WeakMap<CallContext, Claims>();

/** Remembers who makes a call, for the service that answers it. */
export function setCaller(call: CallContext, claims: Claims): void {
  callers.set(call, claims);
}

/**
 * Who makes a call.
 *
 * @throws Error when nobody has established it: the service is not behind {@link authorized}
 */
export function callerOf(call: CallContext): Claims {
  const claims = callers.get(call);
  if (claims === undefined) throw new Error(`${call.method} is served without authorization`);
  return claims;
}
