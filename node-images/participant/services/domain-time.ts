import { DomainTimeServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/domain_time_service.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { durationFromProto, timestampFromProto, timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { failedPrecondition, invalidArgument } from "@pulumi-canton/runtime/errors.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { DomainSession } from "../domain/domain-session.ts";

/** The time of the domains that this participant is connected to. */
export function domainTimeService(participant: string, sessions: () => readonly { readonly session: DomainSession }[]) {
  /** The domain asked about; without an id there must be exactly one. */
  const sessionOf = (domainId: string | undefined): DomainSession => {
    const all = sessions().map(({ session }) => session);
    const found =
      domainId === undefined ? (all.length === 1 ? all[0] : undefined) : all.find((each) => each.domainId === domainId);
    if (found !== undefined) return found;
    const connected = all.map((each) => each.domainId).join(", ") || "none";
    throw failedPrecondition(
      "DOMAIN_TIME_NOT_CONNECTED",
      domainId === undefined
        ? `domain_id is needed unless exactly one domain is connected (connected: ${connected})`
        : `The participant is not connected to ${domainId} (connected: ${connected})`,
      { metadata: { participant } },
    );
  };

  return implement(DomainTimeServiceService, {
    fetchTime: async ({ domainId, freshnessBound }, call) => {
      const bound =
        freshnessBound === undefined ? 0n : checked(() => durationFromProto(freshnessBound, "freshness_bound"));
      const session = sessionOf(domainId);
      const seen = session.lastTimestamp();
      const fresh = seen !== undefined && seen >= BigInt(Date.now()) * 1000n - bound;
      return { timestamp: timestampToProto(fresh ? seen : await session.fetchTime(call.signal)) };
    },
    awaitTime: async ({ domainId, timestamp }, call) => {
      const time = checked(() => timestampFromProto(timestamp));
      await sessionOf(domainId).awaitTime(time, call.signal);
      return {};
    },
  });
}

function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw invalidArgument("PROTO_DESERIALIZATION_FAILURE", "Deserialization of protobuf message failed", {
      metadata: { reason: error.reason },
    });
  }
}
