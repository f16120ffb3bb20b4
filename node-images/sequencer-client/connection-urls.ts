import { SequencerConnection } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_connection.ts";
import type { SequencerEndpoint } from "./sequencer-endpoint.ts";

/** The URLs of a published SequencerConnection. A bare `host:port` is plain text or TLS, as `transportSecurity` says. */
export function connectionUrls(connection: SequencerConnection): string[] {
  const grpc = connection.type?.value;
  if (grpc === undefined) return [];
  const scheme = grpc.transportSecurity ? "https" : "http";
  return grpc.connections.map((each) => (each.includes("://") ? each : `${scheme}://${each}`));
}

/** Where the sequencers of a serialized SequencerConnection are. */
export function endpointsOf(connection: Buffer): SequencerEndpoint[] {
  const told = SequencerConnection.decode(connection);
  const ca = told.type?.value.customTrustCertificates;
  return connectionUrls(told).map((url) => ({
    url,
    ...(ca === undefined || !url.startsWith("https:") ? {} : { tls: { ca } }),
  }));
}
