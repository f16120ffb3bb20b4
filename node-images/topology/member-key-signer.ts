/** Signs towards the sequencers with the keys that the node holds. */
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import type { MemberSigner } from "@pulumi-canton/sequencer-client/member-signer.ts";
import type { KeyStore } from "./key-store.ts";
import { secretKeyNotInStore } from "./topology-errors.ts";

/** @param current fingerprints of the member's own signing keys that others know; asked for every signature */
export function memberKeySigner(keys: KeyStore, current: () => readonly Fingerprint[]): MemberSigner {
  return {
    sign: async (purpose, content, fingerprints) => {
      const candidates = fingerprints ?? current();
      const [key] = await keys.newestSigningKeys(candidates);
      if (key === undefined) throw secretKeyNotInStore(candidates.join(", "), {});
      return keys.sign(key, purpose, content);
    },
  };
}
