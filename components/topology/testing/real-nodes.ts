/** A domain and participants that are real, in this process, as resources see them. */
import {
  connection as connectionTo,
  connectTo,
  deadlineMs,
  type PermissionedDomain,
  uidOf,
} from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { startTestParticipant, type TestParticipant } from "@pulumi-canton/participant/testing/test-participant.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { SigningKeyScheme } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { call, connect } from "@pulumi-canton/runtime/grpc-client.ts";
import type { Endpoint } from "../../platform/platform.ts";

/** A participant that is connected to a domain. */
export interface ConnectedParticipant {
  readonly node: TestParticipant;
  readonly adminApi: Endpoint;
  /** `PAR::identifier::fingerprint`. */
  readonly participantId: string;
  /** Fingerprint of its root key. */
  readonly namespace: string;
}

/** A server on this machine. */
export function loopback(port: number): Endpoint {
  return { address: "127.0.0.1", port, url: `http://127.0.0.1:${port}` };
}

/** Starts a participant, admits it and connects it. */
export async function connectedParticipant(name: string, domain: PermissionedDomain): Promise<ConnectedParticipant> {
  const { storage } = await domain.database();
  const node = await startTestParticipant({ name, storage });
  const uid = await uidOf(node);
  await domain.set(uid, "Submission");
  await connectTo(node, connectionTo(domain));
  return {
    node,
    adminApi: loopback(node.adminPort),
    participantId: `PAR::${uid}`,
    namespace: uid.slice(uid.indexOf("::") + 2),
  };
}

/** Generates a signing key on a node; gives its fingerprint. */
export async function generateSigningKey(adminApi: Endpoint, name: string): Promise<string> {
  const client = connect(VaultServiceClient, adminApi);
  try {
    const request = { keyScheme: SigningKeyScheme.Ed25519, name };
    return (await call(client, "generateSigningKey", request, { deadlineMs })).publicKey?.id ?? "";
  } finally {
    client.close();
  }
}
