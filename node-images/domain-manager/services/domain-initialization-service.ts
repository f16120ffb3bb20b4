/** DomainInitializationService: tells a domain manager that is initialised by hand where its sequencers are. */
import { DomainInitializationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_initialization_service.ts";
import type { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import { invalidArgument } from "@pulumi-canton/runtime/errors.ts";
import { parseServerUrl } from "@pulumi-canton/runtime/grpc-client.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { connectionUrls } from "@pulumi-canton/sequencer-client/connection-urls.ts";

/**
 * @param initialise takes the checked connection; may be called again with the same one
 */
export function domainInitializationService(initialise: (connection: SequencerConnection) => Promise<void>) {
  return implement(DomainInitializationServiceService, {
    init: async ({ config }) => {
      await initialise(checkConnection(config?.sequencerConnection));
      return {};
    },
  });
}

/**
 * Checks a published SequencerConnection.
 *
 * @throws CantonError INVALID_ARGUMENT naming the field
 */
export function checkConnection(connection: SequencerConnection | undefined): SequencerConnection {
  const refuse = (field: string, why: string) =>
    invalidArgument(
      "INVALID_SEQUENCER_CONNECTION",
      `${field} ${why}; expected at least one http://host:port or https://host:port`,
    );
  if (connection === undefined) throw refuse("config.sequencerConnection", "is not set");
  if (connection.type === undefined) throw refuse("sequencerConnection.grpc", "is not set");
  const { connections } = connection.type.value;
  if (connections.length === 0) throw refuse("sequencerConnection.grpc.connections", "is empty");
  for (const url of connectionUrls(connection)) parseServerUrl(url);
  return connection;
}
