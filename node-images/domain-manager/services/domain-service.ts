/** DomainService of the admin API: what the domain is like. */

import type { StaticDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import {
  DomainServiceService,
  type ServiceAgreementAcceptances,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_service.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { staticParametersV0 } from "../bootstrap/peers.ts";

/**
 * @param parameters the static parameters of the domain
 * @param acceptances asks the sequencers who has accepted the terms of service
 */
export function domainService(
  parameters: StaticDomainParameters,
  acceptances: () => Promise<ServiceAgreementAcceptances>,
) {
  return implement(DomainServiceService, {
    getDomainParameters: async () => staticParametersV0(parameters),
    getDomainParametersVersioned: async () => ({ parameters: { $case: "parametersV1", value: parameters } }),
    listServiceAgreementAcceptances: acceptances,
  });
}
