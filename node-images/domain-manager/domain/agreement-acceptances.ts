/** Who has accepted the domain's terms of service: asked of the sequencers, where participants authenticate. */
import {
  DomainServiceClient,
  type ServiceAgreementAcceptances,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_service.ts";
import { describeError, failedPrecondition, unavailable } from "@pulumi-canton/runtime/errors.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { SequencerPeer } from "../config.ts";

/** How long one sequencer may take to answer, in milliseconds. */
const deadlineMs = 5_000;

/**
 * The acceptances as the first sequencer that answers has them: they share their backend, so each knows all.
 *
 * @throws CantonError when none is configured or none answers
 */
export async function agreementAcceptances(peers: readonly SequencerPeer[]): Promise<ServiceAgreementAcceptances> {
  if (peers.length === 0) {
    throw failedPrecondition(
      "NO_SEQUENCERS_CONFIGURED",
      "the sequencers know who accepted the terms of service, and none is configured: add domain.sequencers, or ask a sequencer's own DomainService",
    );
  }
  const failures: string[] = [];
  for (const { name, adminApi } of peers) {
    const client = connect(DomainServiceClient, adminApi);
    try {
      return await call(client, "listServiceAgreementAcceptances", {}, { deadlineMs });
    } catch (error) {
      failures.push(`${name}: ${describeError(error)}`);
    } finally {
      client.close();
    }
  }
  throw unavailable("SEQUENCERS_UNREACHABLE", `no sequencer answers: ${failures.join("; ")}`);
}
