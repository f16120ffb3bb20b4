import { IdentityProviderConfigServiceService as IdentityProviderConfigServiceV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/identity_provider_config_service.ts";
import {
  type IdentityProviderConfig,
  IdentityProviderConfigServiceService as IdentityProviderConfigServiceV2,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/identity_provider_config_service.ts";
import { type GrpcService, type Handlers, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import {
  identityProviderExists,
  identityProviderInUse,
  identityProviderNotFound,
  invalidField,
  invalidIdentityProviderUpdate,
  issuerExists,
  missingField,
  tooManyIdentityProviders,
} from "../ledger-errors.ts";
import { maskFault } from "../update-mask.ts";
import {
  IDENTITY_PROVIDER_FIELDS,
  type IdentityProvider,
  identityProviderIdFault,
  jwksUrlFault,
  MAX_IDENTITY_PROVIDERS,
  updatedProvider,
} from "./identity-provider.ts";
import type { IdentityProviderClash, IdentityProviderStore } from "./identity-provider-store.ts";

/**
 * The identity providers whose tokens the Ledger API accepts, as an administrator of the participant manages them:
 * Ledger API v1 and v2.
 *
 * @param participant name of the node, for the metadata of errors
 */
export function identityProviderConfigServices(participant: string, store: IdentityProviderStore): GrpcService[] {
  const facts = { participant };

  const checkId = (id: string): void => {
    if (id === "") throw missingField(facts, "identity_provider_id");
    const fault = identityProviderIdFault(id);
    if (fault !== undefined) throw invalidField(facts, "identity_provider_id", fault);
  };
  const checkUrl = (url: string): void => {
    const fault = jwksUrlFault(url);
    if (fault !== undefined) throw invalidField(facts, "jwks_url", fault);
  };
  const clash = (kind: IdentityProviderClash, operation: string, { id, issuer }: IdentityProvider): Error => {
    switch (kind) {
      case "exists":
        return identityProviderExists(facts, operation, id);
      case "issuerExists":
        return issuerExists(facts, operation, issuer);
      case "tooMany":
        return tooManyIdentityProviders(facts, operation);
    }
  };

  const handlers: Handlers<typeof IdentityProviderConfigServiceV2> = {
    createIdentityProviderConfig: async ({ identityProviderConfig }) => {
      if (identityProviderConfig === undefined) throw missingField(facts, "identity_provider_config");
      const provider = fromProto(identityProviderConfig);
      checkId(provider.id);
      if (provider.jwksUrl === "") throw missingField(facts, "jwks_url");
      checkUrl(provider.jwksUrl);
      if (provider.issuer === "") throw missingField(facts, "issuer");
      const refused = await store.create(provider, MAX_IDENTITY_PROVIDERS);
      if (refused !== undefined) throw clash(refused, "creating identity provider config", provider);
      return { identityProviderConfig: toProto(provider) };
    },

    getIdentityProviderConfig: async ({ identityProviderId }) => {
      checkId(identityProviderId);
      const provider = await store.find(identityProviderId);
      if (provider === undefined) {
        throw identityProviderNotFound(facts, "getting identity provider config", identityProviderId);
      }
      return { identityProviderConfig: toProto(provider) };
    },

    updateIdentityProviderConfig: async ({ identityProviderConfig, updateMask }) => {
      const operation = "updating identity provider config";
      if (identityProviderConfig === undefined) throw missingField(facts, "identity_provider_config");
      const given = fromProto(identityProviderConfig);
      checkId(given.id);
      if (given.jwksUrl !== "") checkUrl(given.jwksUrl);
      if (updateMask === undefined) throw missingField(facts, "update_mask");
      const fault = maskFault(updateMask, IDENTITY_PROVIDER_FIELDS);
      if (fault !== undefined) throw invalidIdentityProviderUpdate(facts, given.id, fault);
      const updated = await store.update(given.id, (present) => {
        if (present === undefined) throw identityProviderNotFound(facts, operation, given.id);
        return updatedProvider(present, given, updateMask);
      });
      if (typeof updated === "string") throw clash(updated, operation, given);
      return { identityProviderConfig: toProto(updated) };
    },

    listIdentityProviderConfigs: async () => ({ identityProviderConfigs: (await store.list()).map(toProto) }),

    deleteIdentityProviderConfig: async ({ identityProviderId }) => {
      checkId(identityProviderId);
      const outcome = await store.delete(identityProviderId);
      if (outcome === "unknown") {
        throw identityProviderNotFound(facts, "deleting identity provider config", identityProviderId);
      }
      if (outcome === "inUse") throw identityProviderInUse(facts, identityProviderId);
      return {};
    },
  };
  return [implement(IdentityProviderConfigServiceV1, handlers), implement(IdentityProviderConfigServiceV2, handlers)];
}

function fromProto({ identityProviderId: id, ...rest }: IdentityProviderConfig): IdentityProvider {
  return { id, ...rest };
}

function toProto({ id: identityProviderId, ...rest }: IdentityProvider): IdentityProviderConfig {
  return { identityProviderId, ...rest };
}
