import { status } from "@grpc/grpc-js";
import { PartyNameManagementServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/party_name_management.ts";
import { checkUniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { plainError } from "@pulumi-canton/runtime/errors.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import type { PartyStore } from "../ledger-api/party-store.ts";

/** Longest display name, in characters. */
export const MAX_DISPLAY_NAME_LENGTH = 255;

/** Names of parties for people. As published, a party need not be known to be given a name. */
export function partyNameManagementService(store: PartyStore, requireActive: () => void) {
  return implement(PartyNameManagementServiceService, {
    setPartyDisplayName: async ({ partyId, displayName }) => {
      requireActive();
      try {
        checkUniqueIdentifier(partyId, "party_id");
      } catch (error) {
        if (error instanceof ProtocolError) throw plainError(status.INVALID_ARGUMENT, error.reason);
        throw error;
      }
      if (displayName.length > MAX_DISPLAY_NAME_LENGTH) {
        throw plainError(
          status.INVALID_ARGUMENT,
          `ValueConversionError(display_name,The display name has ${displayName.length} characters; at most ${MAX_DISPLAY_NAME_LENGTH} are accepted.)`,
        );
      }
      await store.setDisplayName(partyId, displayName);
      return {};
    },
  });
}
