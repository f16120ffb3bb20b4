import { encodePublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import { KeyPurpose, SigningKeyScheme } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { TopologyChangeOp } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import {
  ListAllRequest,
  TopologyManagerReadServiceClient,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { TopologyManagerWriteServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { expect, test } from "vitest";
import { deadlineMs, idle, setState, withClient } from "./testing/admin.ts";
import { TestDomain } from "./testing/test-domain.ts";

test("a domain manager that starts again does not give a sequencer or mediator back the key that was revoked", async () => {
  await using domain = new TestDomain();
  const sequencers = [await domain.sequencer("sequencer1")];
  const mediators = [await domain.mediator("mediator1")];
  const manager = await domain.manager({ sequencers, mediators });
  const { commonStatus } = await idle(manager.adminPort);
  const domainId = commonStatus?.uid ?? "";
  /** The keys of a member as the domain has them. */
  const keysOf = (owner: string, adminPort: number): Promise<string[]> =>
    withClient(TopologyManagerReadServiceClient, adminPort, async (reader) => {
      const head = ListAllRequest.fromPartial({
        baseQuery: { filterStore: domainId, useStateStore: true, timeQuery: { $case: "headState", value: {} } },
      });
      const request = {
        baseQuery: head.baseQuery,
        filterKeyOwnerType: owner.slice(0, 3),
        filterKeyOwnerUid: domainId,
        filterKeyPurpose: undefined,
      };
      const { results } = await call(reader, "listOwnerToKeyMapping", request, { deadlineMs });
      return results.map(({ keyFingerprint }) => keyFingerprint);
    });

  const fresh = new Map<string, string>();
  for (const [code, node] of [
    ["SEQ", sequencers[0]],
    ["MED", mediators[0]],
  ] as const) {
    const owner = `${code}::${domainId}`;
    const [old] = await keysOf(owner, manager.adminPort);
    const { publicKey } = await withClient(VaultServiceClient, node?.adminPort ?? 0, (vault) =>
      call(vault, "generateSigningKey", { keyScheme: SigningKeyScheme.Ed25519, name: "new" }, { deadlineMs }),
    );
    if (publicKey === undefined) throw new Error("no key was made");
    fresh.set(owner, publicKey.id);
    const encoded = encodePublicKey({ purpose: "signing", key: publicKey });
    const { publicKeys } = await withClient(VaultServiceClient, node?.adminPort ?? 0, (vault) =>
      call(
        vault,
        "listPublicKeys",
        { filterFingerprint: old ?? "", filterName: "", filterPurpose: [] },
        { deadlineMs },
      ),
    );
    const known = publicKeys[0]?.publicKey?.key;
    if (known?.$case !== "signingPublicKey") throw new Error("the old key is not known");
    await withClient(VaultServiceClient, manager.adminPort, async (vault) => {
      const oldKey = encodePublicKey({ purpose: "signing", key: known.value });
      for (const key of [encoded, oldKey]) {
        await call(vault, "importPublicKey", { publicKey: key, name: "" }, { deadlineMs });
      }
    });
    for (const [change, fingerprintOfKey] of [
      [TopologyChangeOp.Add, publicKey.id],
      [TopologyChangeOp.Remove, old ?? ""],
    ] as const) {
      await withClient(TopologyManagerWriteServiceClient, manager.adminPort, (writer) =>
        call(
          writer,
          "authorizeOwnerToKeyMapping",
          {
            authorization: { change, signedBy: "", replaceExisting: false, forceChange: false },
            keyOwner: owner,
            fingerprintOfKey,
            keyPurpose: KeyPurpose.SigningKeyPurpose,
          },
          { deadlineMs },
        ),
      );
      await idle(manager.adminPort);
    }
  }

  await manager.close();
  const again = await domain.manager({ sequencers, mediators, database: manager.database });
  await idle(again.adminPort);
  // Something that is authorised has it look at its peers again.
  await setState(again.adminPort, domainId, `PAR::someone::1220${"ab".repeat(32)}`);
  await idle(again.adminPort);
  for (const [owner, key] of fresh) expect(await keysOf(owner, again.adminPort)).toEqual([key]);
});
