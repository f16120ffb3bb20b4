import type { Input } from "@pulumi/pulumi";
import { LedgerUser } from "@pulumi-canton/components/identity/ledger-user/ledger-user.ts";
import type { Participant } from "@pulumi-canton/components/participant/participant.ts";
import type { ParticipantConfig } from "./nodes.ts";

/**
 * Makes the users of a participant's Ledger API.
 *
 * @param parties ids by the names that the configuration has for them
 * @param token of an administrator, where the Ledger API asks for one
 */
export function addUsers(
  participant: Participant,
  name: string,
  users: ParticipantConfig["users"],
  parties: Readonly<Record<string, Input<string>>>,
  token?: Input<string>,
): void {
  const idOf = (party: string) => parties[party] ?? party;
  for (const { id, primaryParty, actAs, readAs, admin, active, annotations } of users) {
    new LedgerUser(
      `${name}-user-${id}`,
      {
        ledgerApi: participant.ledgerApi,
        ...(token !== undefined && { token }),
        userId: id,
        ...(primaryParty !== undefined && { primaryParty: idOf(primaryParty) }),
        actAs: actAs.map(idOf),
        readAs: readAs.map(idOf),
        participantAdmin: admin,
        active,
        annotations,
      },
      { parent: participant, deletedWith: participant.node.resource },
    );
  }
}
