/**
 * Topology requests: what a node asks a detached topology manager to sign. A YAML file for people to read, who are the last
 * to see it before it is signed.
 */
import { decodePublicKey, encodePublicKey, type PublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import type { Fingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { parseFingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import { checkUniqueIdentifier, uniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { ConfigError, checkConfig } from "@pulumi-canton/runtime/config.ts";
import { parseDocument, stringify } from "yaml";
import { z } from "zod";

/** A text that `check` accepts; its error says what would be. */
const checked = (check: (text: string) => unknown) =>
  z.string().superRefine((text, context) => {
    try {
      check(text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
  });

const identifier = checked((text) => uniqueIdentifier(text, `1220${"00".repeat(32)}`));
const fingerprint = checked((text) => parseFingerprint(text));
const uid = checked((text) => checkUniqueIdentifier(text));

/** A name for people, who decide by what they read: nothing that would not be seen, and no sign that the words around it use. */
const name = z
  .string()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._:@/+-]{0,184}$/u,
    "expected 1 to 185 of: letters, digits, spaces and . _ : @ / + -; a letter or digit first",
  );

/** The name or the fingerprint of one of the request's keys. */
const keyReference = z.string().min(1);

const statement = z.discriminatedUnion("type", [
  /** The self-signed certificate that a namespace begins with. */
  z.strictObject({ type: z.literal("root-certificate") }),
  /** The key may sign for everything in the namespace. */
  z.strictObject({
    type: z.literal("namespace-delegation"),
    key: keyReference,
    /** It may also hand that on. */
    mayDelegate: z.boolean().default(false),
  }),
  /** The key may sign for one identifier of the namespace. */
  z.strictObject({
    type: z.literal("identifier-delegation"),
    key: keyReference,
    /** Default: that of the node. A party has one too. */
    identifier: identifier.optional(),
  }),
  /** The node uses the key. */
  z.strictObject({
    type: z.literal("owner-to-key"),
    key: keyReference,
    /** Default: the node itself. A domain's sequencers and mediators have the identifier of the domain. */
    owner: z.enum(["PAR", "DOM", "SEQ", "MED"]).optional(),
  }),
  /** The participant's own side of being on a domain. */
  z.strictObject({ type: z.literal("participant-on-domain"), domain: uid }),
  /** A party of the namespace is hosted by the participant. */
  z.strictObject({
    type: z.literal("party"),
    party: identifier,
    permission: z.enum(["Submission", "Confirmation", "Observation"]).default("Submission"),
  }),
]);

const requestSchema = z.strictObject({
  format: z.literal("pulumi-canton topology request"),
  version: z.literal(1),
  /** The node's name: for people. */
  node: name,
  role: z.enum(["participant", "domain-manager"]),
  /** The identifier that the node is to have in the namespace. */
  identifier,
  /** Default: the namespace of the key that signs. Another one when that key was delegated to. */
  namespace: fingerprint.optional(),
  keys: z.array(
    z.strictObject({
      name,
      purpose: z.enum(["signing", "encryption"]),
      fingerprint,
      /** A serialized PublicKey, base64: what `VaultService` tells. */
      publicKey: z.string(),
    }),
  ),
  statements: z.array(statement).min(1),
});

/** A request, checked: every key is usable and has the fingerprint and purpose that the file says. */
export type TopologyRequest = z.output<typeof requestSchema>;

/** One thing that is to be signed. */
export type TopologyRequestStatement = TopologyRequest["statements"][number];

/**
 * Reads the text of a request.
 *
 * @throws ConfigError with everything that is wrong, by field
 */
export function parseTopologyRequest(text: string): TopologyRequest {
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: false });
  const [broken] = document.errors;
  if (broken !== undefined) throw new ConfigError([`the request is not valid YAML: ${broken.message}`]);
  const request = checkConfig(requestSchema, valueOf(document));
  const problems = request.keys.flatMap((entry, index) => {
    const at = `keys[${index}]`;
    try {
      const { purpose, key } = publicKeyOf(entry);
      if (key.id !== entry.fingerprint) return [`${at}.fingerprint: is not that of publicKey; expected ${key.id}`];
      return purpose === entry.purpose ? [] : [`${at}.purpose: publicKey is a key for ${purpose}`];
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return [`${at}.publicKey: ${error.message}`];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return request;
}

/** Aliases would make what is read differ from what is meant. */
function valueOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new ConfigError([`the request is not plain YAML: ${(error as Error).message}`]);
  }
}

/** The text of a request. */
export function formatTopologyRequest(request: TopologyRequest): string {
  return stringify(request, { lineWidth: 0 });
}

/** A key as a request has it. */
export function requestedKey(name: string, key: PublicKey): TopologyRequest["keys"][number] {
  const { purpose } = key;
  return { name, purpose, fingerprint: key.key.id, publicKey: encodePublicKey(key).toString("base64") };
}

/** The public key of an entry of a request. @throws ProtocolError */
export function publicKeyOf({ publicKey }: { readonly publicKey: string }): PublicKey {
  return decodePublicKey(Buffer.from(publicKey, "base64"));
}

/** The key that a statement names. @throws ConfigError when there is none, or several */
export function findKey(request: TopologyRequest, reference: string): { name: string; key: PublicKey } {
  const found = request.keys.filter(({ name, fingerprint: id }) => name === reference || id === reference);
  const [only] = found;
  if (only !== undefined && found.length === 1) return { name: only.name, key: publicKeyOf(only) };
  const which =
    found.length === 0 ? "is none of the request's keys" : "is the name of several keys: give the fingerprint";
  throw new ConfigError([`key: ${JSON.stringify(reference)} ${which}; there are ${names(request)}`]);
}

function names({ keys }: TopologyRequest): string {
  return keys.map(({ name, fingerprint: id }) => `${name} (${id})`).join(", ") || "none";
}

/** The namespace of a request that a key with this fingerprint is to sign. */
export function namespaceOfRequest(request: TopologyRequest, signer: Fingerprint): Fingerprint {
  return request.namespace ?? signer;
}
