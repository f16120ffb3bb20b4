/** A user of a participant's Ledger API (v1 of the user management service). No Pulumi. */
import {
  type Right,
  UserManagementServiceClient,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import { converge, tolerate } from "../../topology/convergence.ts";
import { ifFound, type LedgerAccess, withLedger } from "../ledger-call.ts";
import { planUser, rightsOf, type UserRight, type UserState, type UserStep } from "./plan.ts";

export { explain } from "../ledger-call.ts";

/** Which user. */
export interface UserTarget extends LedgerAccess {
  readonly userId: string;
  /** The identity provider whose tokens are the user's; empty: the participant's own. */
  readonly identityProviderId: string;
}

/** The user as it is; undefined when there is none. */
export function observeUser(target: UserTarget): Promise<UserState | undefined> {
  const request = { userId: target.userId, identityProviderId: target.identityProviderId };
  return withLedger(target, UserManagementServiceClient, async (call) => {
    const found = (await ifFound(call("getUser", request)))?.user;
    const rights = found && (await ifFound(call("listUserRights", request)))?.rights;
    if (found === undefined || rights === undefined) return undefined;
    const parties = (kind: "canActAs" | "canReadAs") =>
      rights.flatMap(({ kind: right }) => (right?.$case === kind ? [right.value.party] : []));
    const has = (kind: string) => rights.some(({ kind: right }) => right?.$case === kind);
    return {
      primaryParty: found.primaryParty,
      active: !found.isDeactivated,
      annotations: { ...found.metadata?.annotations },
      actAs: parties("canActAs"),
      readAs: parties("canReadAs"),
      participantAdmin: has("participantAdmin"),
      identityProviderAdmin: has("identityProviderAdmin"),
    };
  });
}

/** Makes the user what is wanted. @throws CantonError when the participant refuses, Error when it is not reached in time */
export async function convergeUser(target: UserTarget, wanted: UserState): Promise<void> {
  await converge({
    what: `user ${target.userId} at ${target.ledgerApi.url}`,
    observe: () => observeUser(target),
    plan: (present) => planUser(wanted, present),
    apply: (step) => applyStep(target, wanted, step),
  });
}

/** Deletes the user; well when there is none. */
export async function deleteUser(target: UserTarget): Promise<void> {
  const { userId, identityProviderId } = target;
  await withLedger(target, UserManagementServiceClient, (call) =>
    ifFound(call("deleteUser", { userId, identityProviderId })),
  );
}

async function applyStep(target: UserTarget, wanted: UserState, step: UserStep): Promise<void> {
  const { userId, identityProviderId } = target;
  const user = (annotations: Readonly<Record<string, string>>) => ({
    id: userId,
    primaryParty: wanted.primaryParty,
    isDeactivated: !wanted.active,
    metadata: { resourceVersion: "", annotations: { ...annotations } },
    identityProviderId,
  });
  await withLedger<UserManagementServiceClient, unknown>(target, UserManagementServiceClient, async (call) => {
    switch (step.do) {
      case "create": {
        const rights = rightsOf(wanted).map(toWire);
        return tolerate(["USER_ALREADY_EXISTS"], () => call("createUser", { user: user(wanted.annotations), rights }));
      }
      case "update":
        return call("updateUser", { user: user(step.annotations), updateMask: [...step.fields] });
      case "grant":
        return call("grantUserRights", { userId, identityProviderId, rights: step.rights.map(toWire) });
      case "revoke":
        return call("revokeUserRights", { userId, identityProviderId, rights: step.rights.map(toWire) });
    }
  });
}

function toWire(right: UserRight): Right {
  switch (right.right) {
    case "actAs":
      return { kind: { $case: "canActAs", value: { party: right.party } } };
    case "readAs":
      return { kind: { $case: "canReadAs", value: { party: right.party } } };
    case "participantAdmin":
      return { kind: { $case: "participantAdmin", value: {} } };
    case "identityProviderAdmin":
      return { kind: { $case: "identityProviderAdmin", value: {} } };
  }
}
