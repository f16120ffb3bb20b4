import { status } from "@grpc/grpc-js";
import {
  type NodeStatus_ComponentStatus,
  ParticipantStatusInfo,
  StatusServiceService,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import { ParticipantStatusServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/participant_status_service.ts";
import type { Diagnostics } from "@pulumi-canton/runtime/diagnostics.ts";
import { plainError } from "@pulumi-canton/runtime/errors.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { SUPPORTED_PROTOCOL_VERSIONS } from "../domain/abilities.ts";
import type { LinkState } from "../domain/domain-connector.ts";
import type { DomainSession } from "../domain/domain-session.ts";

/** What the status services tell of. */
export interface StatusSources {
  /** The unique identifier, or undefined before the node has one. */
  readonly uid: () => Promise<string | undefined>;
  /** Whether this replica is the active one. */
  readonly active: () => boolean;
  /** When the process started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** The ports that the node serves, by name: `admin`, `ledger`. */
  readonly ports: () => Readonly<Record<string, number>>;
  readonly sessions: () => readonly { readonly session: DomainSession }[];
  readonly links: () => ReadonlyMap<string, LinkState>;
  /** What the initialisation of the active replica waits for; undefined: nothing. */
  readonly waiting: () => string | undefined;
  /** Undefined when the database answers, otherwise why it does not. */
  readonly storageFault: () => string | undefined;
  /** The version of this software. */
  readonly version: string;
  /** What else StatusService tells; absent: those rpcs are not built. */
  readonly diagnostics?: Diagnostics | undefined;
}

/** Counts of topology transactions on their way, over all connected domains. */
export async function queues(sources: Pick<StatusSources, "sessions">) {
  const each = await Promise.all(sources.sessions().map(({ session }) => session.dispatcher.queues()));
  return {
    // A transaction is stored before its authorisation is answered: nothing ever waits in the manager.
    manager: 0,
    dispatcher: each.reduce((sum, { dispatcher }) => sum + dispatcher, 0),
    clients: each.reduce((sum, { clients }) => sum + clients, 0),
  };
}

/** The parts of the node, under the names that Canton gives them where it has the same part. */
async function components(sources: StatusSources): Promise<NodeStatus_ComponentStatus[]> {
  const ok = (name: string): NodeStatus_ComponentStatus => ({ name, status: { $case: "ok", value: nothing } });
  const failed = (name: string, why: string): NodeStatus_ComponentStatus => ({
    name,
    status: { $case: "failed", value: { description: why } },
  });
  const fault = sources.storageFault();
  const storage = fault === undefined ? ok("db-storage") : failed("db-storage", fault);
  const waiting = sources.waiting();
  if (waiting !== undefined) return [storage, ok("crypto"), failed("initialisation", waiting)];
  const sessions = sources.sessions();
  const links = [...sources.links().values()];
  if (sessions.length === 0) {
    const lost = links.find((link) => link.state === "disconnected");
    const connecting = links.find((link) => link.state === "connecting");
    const why =
      connecting !== undefined
        ? `Connecting (${connecting.phase})`
        : lost === undefined
          ? "Not Initialized"
          : lost.reason;
    return [storage, ok("crypto"), failed("sync-domain", why), failed("sequencer-client", why)];
  }
  const unhealthy = sessions.filter(({ session }) => !session.healthy());
  const client =
    unhealthy.length === 0
      ? ok("sequencer-client")
      : failed(
          "sequencer-client",
          `No sequencer of ${unhealthy.map(({ session }) => session.domainId).join(", ")} answers`,
        );
  return [storage, ok("crypto"), ok("sync-domain"), client, await dispatcherComponent(sources)];
}

/** Degraded when a domain did not take some of the participant's own topology transactions; says how many and why. */
async function dispatcherComponent(sources: StatusSources): Promise<NodeStatus_ComponentStatus> {
  const rejected: string[] = [];
  for (const { session } of sources.sessions()) {
    const rejections = await session.dispatcher.rejections();
    const last = rejections.at(-1);
    if (last === undefined) continue;
    rejected.push(
      `${session.domainId} has not taken ${rejections.length} topology transactions, the last because: ${last.reason}`,
    );
  }
  if (rejected.length === 0) return { name: "topology-dispatcher", status: { $case: "ok", value: nothing } };
  return { name: "topology-dispatcher", status: { $case: "degraded", value: { description: rejected.join("; ") } } };
}

const nothing = { description: undefined };

function uptime(startedAt: number) {
  const ms = Math.max(0, Date.now() - startedAt);
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}

/** `ParticipantStatusService`: not there, as published, before the node has an identity. */
export function participantStatusService(sources: StatusSources) {
  return implement(ParticipantStatusServiceService, {
    participantStatus: async (_request, call) => {
      const uid = await sources.uid();
      if (uid === undefined) throw plainError(status.UNIMPLEMENTED, `Method not found: ${call.method.slice(1)}`);
      const active = sources.active();
      return {
        kind: {
          $case: "status",
          value: {
            commonStatus: {
              uid,
              uptime: uptime(sources.startedAt),
              ports: { ...sources.ports() },
              active,
              topologyQueues: await queues(sources),
              components: await components(sources),
              version: sources.version,
            },
            connectedDomains: sources
              .sessions()
              .map(({ session }) => ({ domainId: session.domainId, healthy: session.healthy() })),
            active,
            supportedProtocolVersions: [...SUPPORTED_PROTOCOL_VERSIONS],
          },
        },
      };
    },
  });
}

/** The older `StatusService`; setting the log level is not built. */
export function statusService(sources: StatusSources) {
  return implement(StatusServiceService, {
    ...sources.diagnostics,
    status: async () => {
      const id = await sources.uid();
      const active = sources.active();
      if (id === undefined) return { response: { $case: "notInitialized", value: { active } } };
      const info: ParticipantStatusInfo = {
        connectedDomains: sources
          .sessions()
          .map(({ session }) => ({ domain: session.domainId, healthy: session.healthy() })),
        active,
      };
      return {
        response: {
          $case: "success",
          value: {
            id,
            uptime: uptime(sources.startedAt),
            ports: { ...sources.ports() },
            extra: Buffer.from(ParticipantStatusInfo.encode(info).finish()),
            active,
            topologyQueues: await queues(sources),
            components: await components(sources),
          },
        },
      };
    },
  });
}
