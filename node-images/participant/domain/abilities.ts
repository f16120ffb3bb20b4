import { SUPPORTED_ENCRYPTION_SCHEMES, SUPPORTED_SIGNING_SCHEMES } from "@pulumi-canton/protocol/crypto/key-scheme.ts";
import {
  CryptoKeyFormat,
  EncryptionKeyScheme,
  HashAlgorithm,
  SigningKeyScheme,
  SymmetricKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import type { StaticDomainParameters } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v1/sequencing.ts";
import type { Abilities, StaticParameters } from "./onboarding.ts";

/** The protocol versions that this participant speaks. */
export const SUPPORTED_PROTOCOL_VERSIONS: readonly number[] = [5];

/** What this software can do, in the words of {@link StaticParameters}. */
export const abilities: Abilities = {
  protocolVersions: SUPPORTED_PROTOCOL_VERSIONS,
  signingKeySchemes: names(SigningKeyScheme, SUPPORTED_SIGNING_SCHEMES),
  encryptionKeySchemes: names(EncryptionKeyScheme, SUPPORTED_ENCRYPTION_SCHEMES),
  symmetricKeySchemes: ["Aes128Gcm"],
  hashAlgorithms: ["Sha256"],
  keyFormats: ["Raw", "Der"],
};

/** The static parameters of a domain as the onboarding compares them. */
export function staticParameters(wire: StaticDomainParameters): StaticParameters {
  return {
    protocolVersion: wire.protocolVersion,
    signingKeySchemes: names(SigningKeyScheme, wire.requiredSigningKeySchemes),
    encryptionKeySchemes: names(EncryptionKeyScheme, wire.requiredEncryptionKeySchemes),
    symmetricKeySchemes: names(SymmetricKeyScheme, wire.requiredSymmetricKeySchemes),
    hashAlgorithms: names(HashAlgorithm, wire.requiredHashAlgorithms),
    keyFormats: names(CryptoKeyFormat, wire.requiredCryptoKeyFormats),
  };
}

function names(labels: Readonly<Record<string, number>>, values: readonly number[]): string[] {
  return values.map((value) => Object.keys(labels).find((name) => labels[name] === value) ?? String(value));
}
