/** The services of the public API beside sending and subscribing: connecting, authenticating, the service agreement. */
import { DomainServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/domain_service.ts";
import { SequencerAuthenticationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_authentication_service.ts";
import { SequencerConnectServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connect_service.ts";
import { checkMember } from "@pulumi-canton/protocol/identity/member.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { ServingSequencer } from "../serving-sequencer.ts";
import { AuthenticationRefusal } from "./authenticator.ts";
import { answerHandshake } from "./handshake.ts";

/** @param serving the sequencer; throws while there is no domain to serve */
export function publicServices(serving: () => ServingSequencer): GrpcService[] {
  const getServiceAgreement = async () => {
    const { terms } = serving();
    return { agreement: terms && { id: terms.id, legalText: terms.legalText } };
  };
  return [
    implement(DomainServiceService, { getServiceAgreement }),
    implement(SequencerConnectServiceService, {
      handshake: async (request) => answerHandshake(request),
      getDomainId: async () => {
        const { domainId, sequencerId } = serving();
        return { domainId, sequencerId };
      },
      getDomainParameters: async () => ({
        parameters: { $case: "parametersV1", value: serving().staticParameters },
      }),
      verifyActive: async (_request, { metadata }) => {
        const { topology } = serving();
        const [member] = metadata.get("memberid");
        try {
          const isActive = topology.isActive(checkMember(String(member ?? ""), "memberid"));
          return { value: { $case: "success", value: { isActive } } };
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          return { value: { $case: "failure", value: { reason: error.message } } };
        }
      },
      getServiceAgreement,
    }),
    implement(SequencerAuthenticationServiceService, {
      challenge: async ({ member, memberProtocolVersions }) =>
        refusable(async () => {
          const { staticParameters, authenticator } = serving();
          const challenge = authenticator.challenge(member, memberProtocolVersions);
          return { domainVersion: String(staticParameters.protocolVersion), ...challenge };
        }),
      authenticate: async ({ member, nonce, signature }) =>
        refusable(async () => {
          const { authenticator, backend } = serving();
          const { token, expiresAt, accepted } = authenticator.authenticate(member, nonce, signature);
          if (accepted !== undefined && signature !== undefined) {
            // Durable before the member gets anywhere with it.
            await backend.acceptances.record({ agreement: accepted, participant: member, nonce, signature });
          }
          return { token, expiresAt: timestampToProto(BigInt(expiresAt) * 1000n) };
        }),
    }),
  ];
}

/** An answer in the published shape: what was asked for, or why not. */
async function refusable<T>(run: () => Promise<T>) {
  try {
    return { value: { $case: "success" as const, value: await run() } };
  } catch (error) {
    if (!(error instanceof AuthenticationRefusal)) throw error;
    return { value: { $case: "failure" as const, value: { code: error.code, reason: error.message } } };
  }
}
