/**
 * A topology mapping that is to hold: authorised by the topology manager of a node, and, where a domain is given, waited for
 * until that domain's topology says the same. No Pulumi.
 */
import { status } from "@grpc/grpc-js";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  BaseQuery,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import {
  AuthorizationData,
  TopologyManagerWriteServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { callDeadlineMs, converge, tolerate } from "../convergence.ts";
import { type MappingState, type MappingStep, planMapping, type SeenOnDomain } from "./plan.ts";

/** Where a mapping is authorised, and where it is to be seen. */
export interface MappingTarget {
  /** Admin API of the node whose topology manager authorises it. */
  readonly node: Endpoint;
  /** Id of the domain on which it is to be in effect, or of several; absent: it only has to be authorised. */
  readonly domainId?: string | readonly string[] | undefined;
  /** Accept what leaves a member without a key, or transactions without an authorised signer. Default: false. */
  readonly force?: boolean | undefined;
}

/** How one kind of mapping is read and authorised. `Value` is what may change of it. */
export interface MappingKind<Value> {
  /** For messages. Example: `the allow-list entry of PAR::alice::1220…`. */
  readonly what: string;
  /** The values that a store has of it. The services' filters are prefixes: it has to look again at what it gets. */
  read(client: TopologyManagerReadServiceClient, baseQuery: BaseQuery): Promise<Value[]>;
  /** Authorises a change of it. */
  authorize(
    client: TopologyManagerWriteServiceClient,
    authorization: AuthorizationData,
    value: Value,
  ): Promise<unknown>;
}

/** Options of every call. */
export const deadline = { deadlineMs: callDeadlineMs };

/** What a topology store says now: `Authorized`, or that of a domain. */
export function headOf(store: string): BaseQuery {
  return BaseQuery.fromPartial({ filterStore: store, timeQuery: { $case: "headState", value: {} } });
}

/** How a change is asked for, the key to sign with left to the node. */
export function authorization(change: TopologyChangeOp, options: Partial<AuthorizationData> = {}): AuthorizationData {
  return { change, signedBy: "", replaceExisting: false, forceChange: false, ...options };
}

/** What is there of the mapping. */
export async function observeMapping<Value>(
  { node, domainId = [] }: MappingTarget,
  kind: MappingKind<Value>,
): Promise<MappingState<Value>> {
  const client = connect(TopologyManagerReadServiceClient, node);
  try {
    const seenOn = async (id: string): Promise<SeenOnDomain<Value>> => {
      const [effective, follows] = await Promise.all([kind.read(client, headOf(id)), followsDomain(node, id)]);
      return { domainId: id, effective, follows };
    };
    const [authorized, ...domains] = await Promise.all([
      kind.read(client, headOf("Authorized")),
      ...[domainId].flat().map(seenOn),
    ]);
    return { authorized, domains };
  } finally {
    client.close();
  }
}

/**
 * Leaves exactly what is wanted.
 *
 * @param wanted undefined takes back every value
 * @throws CantonError when the node refuses, Error when it is not reached in time
 */
export async function convergeMapping<Value>(
  target: MappingTarget,
  kind: MappingKind<Value>,
  wanted: Value | undefined,
): Promise<void> {
  await converge({
    what: `${kind.what} at ${target.node.url}`,
    observe: () => observeMapping(target, kind),
    plan: (state) => planMapping(wanted, state),
    apply: (step) => applyMappingStep(target, kind, step),
  });
}

/** Performs one step; one that somebody else has performed in the meantime is well. */
export async function applyMappingStep<Value>(
  { node, force = false }: MappingTarget,
  kind: MappingKind<Value>,
  step: MappingStep<Value>,
): Promise<void> {
  if (step.do === "wait") return;
  const client = connect(TopologyManagerWriteServiceClient, node);
  const change =
    step.do === "authorize"
      ? authorization(TopologyChangeOp.Add, { replaceExisting: step.replace, forceChange: force })
      : authorization(TopologyChangeOp.Remove, { forceChange: force });
  try {
    await tolerate(["TOPOLOGY_MAPPING_ALREADY_EXISTS", "NO_CORRESPONDING_ACTIVE_TX_TO_REVOKE"], () =>
      kind.authorize(client, change, step.value),
    );
  } finally {
    client.close();
  }
}

/** Whether changes of the domain reach the node now: a participant has to be connected, nodes of the domain always follow it. */
async function followsDomain(node: Endpoint, domainId: string): Promise<boolean> {
  const client = connect(DomainConnectivityServiceClient, node);
  try {
    const { connectedDomains } = await call(client, "listConnectedDomains", {}, deadline);
    return connectedDomains.some((domain) => domain.domainId === domainId && domain.healthy);
  } catch (error) {
    if (isCantonError(error) && error.code === status.UNIMPLEMENTED) return true;
    throw error;
  } finally {
    client.close();
  }
}
