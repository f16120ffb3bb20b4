/** The key that a sequencer or a mediator signs with: a member without a namespace of its own. */
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { failedPrecondition } from "@pulumi-canton/runtime/errors.ts";
import type { KeyStore } from "./key-store.ts";

/**
 * The node's own signing key: the one of that name that it holds. When there is none it is made (`init.auto`), so that
 * after a crash the same one is found; or, by hand, the only signing key that the node holds is taken.
 *
 * @throws CantonError INITIALISATION_STEP_MISSING when the operator has to make the key, or to say which it is
 */
export async function memberSigningKey(keys: KeyStore, name: string, auto: boolean): Promise<SigningPublicKey> {
  const held = (await keys.list({ purposes: ["signing"], held: true })).flatMap(({ name: known, publicKey }) =>
    publicKey.purpose === "signing" ? [{ name: known, key: publicKey.key }] : [],
  );
  const named = held.find((each) => each.name === name);
  if (named !== undefined) return named.key;
  if (auto) return keys.generateSigningKey({ name });
  const [only] = held;
  if (only !== undefined && held.length === 1) return only.key;
  const why = held.length === 0 ? "" : `; this node holds ${held.length} signing keys, and none has this name`;
  throw failedPrecondition(
    "INITIALISATION_STEP_MISSING",
    `This step of the initialisation has to come first: make the node's signing key (VaultService.GenerateSigningKey with the name ${name}), as init.auto is false${why}`,
    { metadata: { missing: "signing-key" } },
  );
}
