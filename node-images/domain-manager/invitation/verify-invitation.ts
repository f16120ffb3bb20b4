/** Whether an invitation comes from whoever owns the domain that it names. Pure: nothing but the domain's id is trusted. */
import { verifyWithAny } from "@pulumi-canton/protocol/crypto/signature.ts";
import { SignatureFormat } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { domainManagerMember } from "@pulumi-canton/protocol/identity/member.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { decodeSignedTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { canonicalBytes, type Invitation, InvitationRefused, parseSignedInvitation } from "./invitation.ts";

/**
 * Checks a signed invitation: its fields, that its key is one of the domain's manager, chained to the namespace in the
 * domain's id by topology transactions, that its signature is one of that key, and, if asked, that it is of a domain that is
 * known by its id and that it has not expired.
 *
 * @param given JSON text, or what was read of it
 * @param expected.domainId the domain that it has to be of, as it was learnt on another way
 * @param expected.now milliseconds since 1970; absent: it may have expired, as when it was taken up before
 * @throws InvitationRefused with the reason
 */
export function verifyInvitation(
  given: unknown,
  expected: { readonly domainId?: string | undefined; readonly now?: number | undefined } = {},
): Invitation {
  const { invitation, topology, signature } = parseSignedInvitation(given);
  const { domainId, expires } = invitation;
  if (expected.domainId !== undefined && expected.domainId !== domainId) {
    throw new InvitationRefused(`it is to the domain ${domainId}; expected ${expected.domainId}`);
  }
  const keys = stateOf(topology, domainId).keysOf(domainManagerMember(domainId)).signing;
  const made = {
    format: SignatureFormat.RawSignatureFormat,
    signature: Buffer.from(signature.signature, "base64"),
    signedBy: signature.signedBy,
  };
  if (!verifyWithAny(keys, "invitation", canonicalBytes(invitation), made)) {
    throw new InvitationRefused(
      `it was changed after the owner of ${domainId} signed it, or somebody else signed it: ask the owner for it again`,
    );
  }
  if (expected.now !== undefined && expected.now > Date.parse(expires)) {
    throw new InvitationRefused(`it expired on ${expires}: ask the owner of ${domainId} for a new one`);
  }
  return invitation;
}

/** What the transactions state, each decided by the rule of every member. */
function stateOf(topology: readonly string[], domainId: string): TopologyState {
  let state = TopologyState.empty;
  topology.forEach((text, index) => {
    const refuse = (why: string) => new InvitationRefused(`topology[${index}] is not accepted: ${why}`);
    try {
      const transaction = decodeSignedTransaction(Buffer.from(text, "base64"));
      if (transaction.transaction.operation !== "Add") throw refuse("expected what adds a delegation or a key");
      const decision = decide(state, transaction, { domainId });
      if (!decision.accepted) throw refuse(decision.message);
      state = decision.state;
    } catch (error) {
      if (error instanceof ProtocolError) throw refuse(error.message);
      throw error;
    }
  });
  return state;
}
