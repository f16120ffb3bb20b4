import { createHash } from "node:crypto";

/** The terms of service that a domain requires its participants to accept. */
export interface ServiceAgreement {
  /** How the domain names this version of its terms. */
  readonly id: string;
  readonly legalText: string;
}

/** Which terms exactly: the same id with another text is another version, that has to be accepted anew. */
export interface ServiceAgreementVersion {
  readonly id: string;
  /** SHA-256 of the UTF-8 of the text, in hexadecimal digits. */
  readonly textHash: string;
}

/** The version that these terms are. */
export function versionOfAgreement({ id, legalText }: ServiceAgreement): ServiceAgreementVersion {
  return { id, textHash: createHash("sha256").update(legalText, "utf8").digest("hex") };
}

/** Whether two versions are the same terms. */
export function sameAgreement(a: ServiceAgreementVersion, b: ServiceAgreementVersion): boolean {
  return a.id === b.id && a.textHash === b.textHash;
}

/**
 * What a member signs to authenticate at a sequencer (purpose `sequencer-authentication`): the nonce and the id of the
 * domain, and, when a participant authenticates at a domain that has terms of service, which terms it has accepted. So no
 * participant gets a token without them, and its signature is the domain's evidence of the acceptance.
 */
export function authenticationContent(nonce: Buffer, domainId: string, accepted?: ServiceAgreementVersion): Buffer {
  // Neither a domain id nor the id of an agreement has a NUL, so no two of these contents are the same.
  const terms = accepted === undefined ? "" : `\0${accepted.id}\0${accepted.textHash}`;
  return Buffer.concat([nonce, Buffer.from(domainId + terms, "utf8")]);
}
