/** Which domain this sequencer serves: told once by the domain manager, then remembered. */
import type { SigningPublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { checkStaticDomainParameters, type StaticDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import { StaticDomainParameters as StaticDomainParametersProto } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import { domainManagerMember, mediatorMember, sequencerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { checkUniqueIdentifier, type UniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { encodeMessage } from "@pulumi-canton/protocol/protocol-error.ts";
import type { Database } from "@pulumi-canton/runtime/database.ts";
import { failedPrecondition } from "@pulumi-canton/runtime/errors.ts";
import type { KeyStore } from "@pulumi-canton/topology/key-store.ts";
import { memberSigningKey } from "@pulumi-canton/topology/member-signing-key.ts";
import { AlreadyInitialisedError, type NodeIdentity } from "@pulumi-canton/topology/node-identity.ts";
import { claimBackend } from "../backend/backend-domain.ts";
import type { Backend } from "../backend/open-backend.ts";

/** What a sequencer was initialised with. */
export interface Initialization {
  domainId: UniqueIdentifier;
  /** Fingerprint of the key that this sequencer signs events with. */
  signingKey: string;
}

/** What initialisation works with. */
export interface InitializationOptions {
  /** The node's name: names its key. */
  name: string;
  /** `init.auto`: the key is made when it is needed; otherwise the operator has made it. */
  auto: boolean;
  database: Database;
  backend: Backend;
  keys: KeyStore;
  identity: NodeIdentity;
}

/** The domain this node was initialised for; undefined before. */
export async function readInitialization(database: Database): Promise<Initialization | undefined> {
  const { rows } = await database.read<{ domain_id: string; signing_key: string }>(
    "SELECT domain_id, signing_key FROM sequencer_initialization",
  );
  const row = rows[0];
  return row === undefined ? undefined : { domainId: row.domain_id, signingKey: row.signing_key };
}

function otherDomain(what: string, present: string, asked: string) {
  return failedPrecondition(
    "SEQUENCER_OF_OTHER_DOMAIN",
    `${what} belongs to the domain ${present} and cannot serve ${asked}; use a sequencer with new, empty databases for another domain`,
    { metadata: { present, asked } },
  );
}

/**
 * Initialises the node for a domain, or, when it is already, only answers its key. May be repeated after a crash anywhere.
 *
 * @throws CantonError INITIALISATION_STEP_MISSING when the operator has not made its key yet; SEQUENCER_OF_OTHER_DOMAIN when the node or its backend belongs to another domain; SEQUENCER_PARAMETERS_DIFFER when the backend's domain has other static parameters
 * @throws ProtocolError for a malformed domain id or parameters that this software cannot serve
 */
export async function initialise(
  { name, auto, database, backend, keys, identity }: InitializationOptions,
  domainId: UniqueIdentifier,
  staticParameters: StaticDomainParameters,
): Promise<{ initialization: Initialization; publicKey: SigningPublicKey }> {
  checkUniqueIdentifier(domainId, "domain_id");
  let initialization = await readInitialization(database);
  if (initialization !== undefined && initialization.domainId !== domainId) {
    throw otherDomain("this sequencer", initialization.domainId, domainId);
  }
  checkStaticDomainParameters(staticParameters);
  // Before anything is claimed: by hand the key may be missing.
  const signingKey = initialization?.signingKey ?? (await memberSigningKey(keys, `${name}-sequencer-signing`, auto)).id;
  const claimed = await claimBackend(backend.database, { domainId, staticParameters });
  if (claimed.domainId !== domainId) throw otherDomain("the sequencer backend", claimed.domainId, domainId);
  const bytes = (parameters: StaticDomainParameters) => encodeMessage(StaticDomainParametersProto, parameters);
  if (!bytes(claimed.staticParameters).equals(bytes(staticParameters))) {
    throw failedPrecondition(
      "SEQUENCER_PARAMETERS_DIFFER",
      `the domain ${domainId} was set up with other static parameters; they never change`,
    );
  }
  await backend.members.register([sequencerMember(domainId), domainManagerMember(domainId), mediatorMember(domainId)]);
  try {
    await identity.set(domainId);
  } catch (error) {
    if (!(error instanceof AlreadyInitialisedError)) throw error;
    if (error.uid !== domainId) throw otherDomain("this node's identity", error.uid, domainId);
  }
  if (initialization === undefined) {
    await database.query(
      "INSERT INTO sequencer_initialization (domain_id, signing_key) VALUES ($1, $2) ON CONFLICT DO NOTHING",
      [domainId, signingKey],
    );
    initialization = (await readInitialization(database)) as Initialization;
  }
  const { key } = await keys.publicKey(initialization.signingKey);
  return { initialization, publicKey: key as SigningPublicKey };
}
