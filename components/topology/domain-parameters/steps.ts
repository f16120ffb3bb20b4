/** The dynamic parameters of a domain, through its domain manager's admin API. No Pulumi. */
import {
  dynamicDomainParametersFromProto,
  dynamicDomainParametersToProto,
} from "@pulumi-canton/protocol/domain-parameters.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  type BaseQuery,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../../platform/platform.ts";
import { converge } from "../convergence.ts";
import { authorization, deadline, headOf } from "../mapping/steps.ts";
import type { WireParameters } from "./parameters.ts";

export { messageOf } from "../convergence.ts";

import { type ParametersState, planParameters } from "./plan.ts";

/** Whose parameters. */
export interface ParametersTarget {
  /** Admin API of the domain manager. */
  readonly domainManager: Endpoint;
  /** Id of the domain. */
  readonly domainId: string;
  /** Accept an increase of `ledgerTimeRecordTimeTolerance`. Default: false. */
  readonly force?: boolean;
}

/** What the domain manager has authorised, and what the domain's topology says. */
export async function observeParameters({ domainManager, domainId }: ParametersTarget): Promise<ParametersState> {
  const client = connect(TopologyManagerReadServiceClient, domainManager);
  const read = async (baseQuery: BaseQuery): Promise<WireParameters | undefined> => {
    const { results } = await call(client, "listDomainParametersChanges", { baseQuery }, deadline);
    const parameters = results[0]?.parameters;
    if (parameters === undefined) return undefined;
    if (parameters.$case !== "v1") throw new Error(`the domain has parameters of another version: ${parameters.$case}`);
    return dynamicDomainParametersFromProto(parameters.value);
  };
  try {
    const [authorized, effective] = await Promise.all([read(headOf("Authorized")), read(headOf(domainId))]);
    return { authorized, effective };
  } finally {
    client.close();
  }
}

/**
 * Changes what differs and waits until the domain shows it.
 *
 * @param change from the parameters that there are to those that are wanted
 * @returns the parameters as they were before
 * @throws Error when the domain has no parameters yet, CantonError when the domain manager refuses
 */
export async function convergeParameters(
  target: ParametersTarget,
  change: (present: WireParameters) => WireParameters,
): Promise<WireParameters> {
  const { authorized: before } = await observeParameters(target);
  if (before === undefined) {
    throw new Error(`${target.domainId} has no parameters yet: initialise the domain first`);
  }
  const wanted = change(before);
  await converge({
    what: `the parameters of ${target.domainId}`,
    observe: () => observeParameters(target),
    plan: (state) => planParameters(wanted, state),
    apply: async (step) => {
      if (step.do === "wait") return;
      const client = connect(TopologyManagerWriteServiceClient, target.domainManager);
      const request = {
        authorization: authorization(TopologyChangeOp.Replace, { forceChange: target.force ?? false }),
        domain: target.domainId,
        parameters: { $case: "parametersV1" as const, value: dynamicDomainParametersToProto(step.parameters) },
      };
      try {
        await call(client, "authorizeDomainParametersChange", request, deadline);
      } finally {
        client.close();
      }
    },
  });
  return before;
}
