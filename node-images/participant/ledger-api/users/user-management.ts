import { randomUUID } from "node:crypto";
import {
  type Right as RightV1,
  UserManagementServiceService as UserManagementServiceV1,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import {
  Right,
  UserManagementServiceService as UserManagementServiceV2,
  type User as UserMessage,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/user_management_service.ts";
import { StringValue } from "@pulumi-canton/protocol/gen/google/protobuf/wrappers.ts";
import { type CallContext, type GrpcService, type Handlers, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { annotationsFault } from "../annotations.ts";
import { callerOf } from "../authorization/caller.ts";
import type { IdentityProviderStore } from "../identity-providers/identity-provider-store.ts";
import {
  checkIdentityProviderId,
  requireIdentityProvider,
  storeReferring,
} from "../identity-providers/named-identity-provider.ts";
import {
  concurrentUserUpdate,
  invalidArguments,
  invalidField,
  invalidUserUpdate,
  missingField,
  notPermitted,
  type RequestFacts,
  tooManyUserRights,
  unknownParties,
  userAlreadyExists,
  userAnnotationsTooLarge,
  userNotFound,
} from "../ledger-errors.ts";
import { partyFault } from "../party-name.ts";
import type { PartyStore } from "../party-store.ts";
import { resourceVersionOf } from "../resource-version.ts";
import { maskFault } from "../update-mask.ts";
import {
  distinctRights,
  hasRight,
  MAX_RIGHTS_PER_USER,
  MAX_USERS_PAGE_SIZE,
  type User,
  type UserRight,
  userIdFault,
} from "./user.ts";
import type { UserStore } from "./user-store.ts";
import { applyUserUpdate, USER_FIELDS, userUpdateOf } from "./user-update.ts";

export interface UserManagementOptions {
  /** Name of the node, for the metadata of errors. */
  readonly participant: string;
  readonly users: UserStore;
  readonly providers: IdentityProviderStore;
  readonly parties: PartyStore;
}

/** Users and their rights, as administrators manage them: Ledger API v1 and v2, over the same users. */
export function userManagementServices(options: UserManagementOptions): GrpcService[] {
  const handlers = userManagement(options);
  return [
    implement(UserManagementServiceV2, handlers),
    implement(UserManagementServiceV1, {
      ...handlers,
      grantUserRights: async (request, call) => {
        const { newlyGrantedRights } = await handlers.grantUserRights(request, call);
        return { newlyGrantedRights: rightsOfV1(newlyGrantedRights) };
      },
      revokeUserRights: async (request, call) => {
        const { newlyRevokedRights } = await handlers.revokeUserRights(request, call);
        return { newlyRevokedRights: rightsOfV1(newlyRevokedRights) };
      },
      listUserRights: async (request) => {
        const { rights } = await handlers.listUserRights(request);
        return { rights: rightsOfV1(rights) };
      },
    }),
  ];
}

/** The rights that v1 has words for. */
function rightsOfV1(rights: readonly Right[]): RightV1[] {
  return rights.flatMap(({ kind }) => {
    switch (kind?.$case) {
      case "canReadAsAnyParty":
      case "canExecuteAs":
      case "canExecuteAsAnyParty":
        return [];
      default:
        return [{ kind }];
    }
  });
}

function userManagement({ participant, users, providers, parties }: UserManagementOptions) {
  const writing = (): RequestFacts => ({ participant, submissionId: randomUUID() });

  /** The user, when it is there and belongs to the identity provider that the request names. */
  const found = (
    facts: RequestFacts,
    operation: string,
    user: User | undefined,
    id: string,
    provider: string,
  ): User => {
    if (user === undefined) throw userNotFound(facts, operation, id);
    if (user.identityProviderId === provider) return user;
    throw notPermitted(participant, `User ${id} belongs to another Identity Provider`);
  };

  const checkId = (facts: RequestFacts, field: string, id: string): void => {
    if (id === "") throw missingField(facts, field);
    const fault = userIdFault(id);
    if (fault !== undefined) throw invalidField(facts, field, fault);
  };

  const checkParty = (facts: RequestFacts, party: string): void => {
    const fault = partyFault(party);
    if (fault !== undefined) throw invalidArguments(facts, fault);
  };

  const rightsFrom = (facts: RequestFacts, rights: readonly Right[]): UserRight[] =>
    distinctRights(
      rights.map(({ kind }) => {
        if (kind === undefined) {
          throw invalidArguments(
            facts,
            "unknown kind of right - check that the Ledger API version of the server is recent enough",
          );
        }
        if (!("party" in kind.value)) return { kind: kind.$case, party: "" };
        checkParty(facts, kind.value.party);
        return { kind: kind.$case, party: kind.value.party };
      }),
    );

  /** Who administers an identity provider disposes of its parties only. */
  const requireParties = async (
    facts: RequestFacts,
    call: CallContext,
    rights: readonly UserRight[],
    provider: string,
  ): Promise<void> => {
    if (callerOf(call).participantAdmin) return;
    const named = [...new Set(rights.map(({ party }) => party).filter((party) => party !== ""))];
    const records = await parties.find(named);
    const unknown = named.filter((party) => records.get(party)?.identityProviderId !== provider);
    if (unknown.length > 0) throw unknownParties(facts, provider, unknown);
  };

  const isCaller = (call: CallContext, userId: string): boolean => callerOf(call).userId === userId;

  return {
    createUser: async ({ user: given, rights: givenRights }, call) => {
      const facts = writing();
      if (given === undefined) throw missingField(facts, "user");
      checkId(facts, "id", given.id);
      if ((given.metadata?.resourceVersion ?? "") !== "") {
        throw invalidArguments(facts, "field user.metadata.resource_version must be not set");
      }
      const annotations = { ...given.metadata?.annotations };
      const fault = annotationsFault(annotations, "user.metadata.annotations", false);
      if (fault !== undefined) throw invalidArguments(facts, fault);
      if (given.primaryParty !== "") checkParty(facts, given.primaryParty);
      const rights = rightsFrom(facts, givenRights);
      const { id, primaryParty, isDeactivated, identityProviderId } = given;
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      await requireIdentityProvider(facts, providers, identityProviderId);
      await requireParties(facts, call, rights, identityProviderId);
      if (rights.length > MAX_RIGHTS_PER_USER) throw tooManyUserRights(facts, "creating user", id);
      const user = { id, primaryParty, isDeactivated, annotations, resourceVersion: 0n, identityProviderId };
      const created = await storeReferring(facts, identityProviderId, () => users.create(user, rights));
      if (!created) throw userAlreadyExists(facts, "creating user", id);
      return { user: toMessage(user) };
    },

    getUser: async ({ userId, identityProviderId }) => {
      const facts = { participant };
      checkId(facts, "user_id", userId);
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      const user = found(facts, "getting user", await users.find(userId), userId, identityProviderId);
      return { user: toMessage(user) };
    },

    updateUser: async ({ user: given, updateMask }, call) => {
      const facts = writing();
      if (given === undefined) throw missingField(facts, "user");
      const { id, identityProviderId } = given;
      checkId(facts, "user.id", id);
      if (updateMask === undefined) throw missingField(facts, "update_mask");
      if (given.primaryParty !== "") checkParty(facts, given.primaryParty);
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      const version = resourceVersionOf(facts, "user.metadata.resource_version", given.metadata?.resourceVersion ?? "");
      const annotations = { ...given.metadata?.annotations };
      const fault = annotationsFault(annotations, "user.metadata.annotations", true);
      if (fault !== undefined) throw invalidArguments(facts, fault);
      const problem = maskFault(updateMask, USER_FIELDS);
      if (problem !== undefined) throw invalidUserUpdate(facts, id, problem);
      const update = userUpdateOf({ ...given, annotations }, version, updateMask);
      await requireIdentityProvider(facts, providers, identityProviderId);
      if (isCaller(call, id) && update.isDeactivated === true) {
        throw invalidArguments(facts, "Requesting user cannot self-deactivate");
      }
      const user = await users.update(id, (present) => {
        const updated = applyUserUpdate(found(facts, "updating user", present, id, identityProviderId), update);
        if (updated === "stale") throw concurrentUserUpdate(facts, id);
        if (updated === "tooLarge") throw userAnnotationsTooLarge(facts, id);
        return updated;
      });
      return { user: toMessage(user) };
    },

    deleteUser: async ({ userId, identityProviderId }, call) => {
      const facts = writing();
      checkId(facts, "user_id", userId);
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      if (isCaller(call, userId)) throw invalidArguments(facts, "Requesting user cannot delete itself");
      await users.delete(userId, (present) => found(facts, "deleting user", present, userId, identityProviderId));
      return {};
    },

    listUsers: async ({ pageToken, pageSize, identityProviderId }) => {
      const facts = { participant };
      const after = pageToken === "" ? "" : userIdOfPageToken(pageToken);
      if (after === undefined) throw invalidArguments(facts, "Invalid page token");
      if (pageSize < 0) throw invalidArguments(facts, "Max page size must be non-negative");
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      const size = pageSize === 0 ? MAX_USERS_PAGE_SIZE : Math.min(pageSize, MAX_USERS_PAGE_SIZE);
      const page = await users.list(after, size, identityProviderId);
      const last = page.at(-1);
      return {
        users: page.map(toMessage),
        nextPageToken: page.length < size || last === undefined ? "" : pageTokenOf(last.id),
      };
    },

    grantUserRights: async ({ userId, rights: givenRights, identityProviderId }, call) => {
      const facts = writing();
      const operation = "grant user rights";
      checkId(facts, "user_id", userId);
      const asked = rightsFrom(facts, givenRights);
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      await requireParties(facts, call, asked, identityProviderId);
      const { granted } = await users.changeRights(userId, (user, present) => {
        found(facts, operation, user, userId, identityProviderId);
        const granted = asked.filter((right) => !hasRight(present, right));
        if (present.length + granted.length > MAX_RIGHTS_PER_USER) throw tooManyUserRights(facts, operation, userId);
        return { granted, revoked: [] };
      });
      return { newlyGrantedRights: granted.map(toRight) };
    },

    revokeUserRights: async ({ userId, rights: givenRights, identityProviderId }, call) => {
      const facts = writing();
      checkId(facts, "user_id", userId);
      const asked = rightsFrom(facts, givenRights);
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      if (isCaller(call, userId) && asked.some(({ kind }) => kind === "participantAdmin")) {
        throw invalidArguments(facts, "Requesting user cannot remove own admin rights");
      }
      await requireParties(facts, call, asked, identityProviderId);
      const { revoked } = await users.changeRights(userId, (user, present) => {
        found(facts, "revoke user rights", user, userId, identityProviderId);
        return { granted: [], revoked: asked.filter((right) => hasRight(present, right)) };
      });
      return { newlyRevokedRights: revoked.map(toRight) };
    },

    listUserRights: async ({ userId, identityProviderId }) => {
      const facts = { participant };
      checkId(facts, "user_id", userId);
      checkIdentityProviderId(facts, "identity_provider_id", identityProviderId);
      const known = await users.findWithRights(userId);
      found(facts, "list user rights", known?.user, userId, identityProviderId);
      return { rights: (known?.rights ?? []).map(toRight) };
    },

    updateUserIdentityProviderId: async ({ userId, sourceIdentityProviderId, targetIdentityProviderId }) => {
      const facts = { participant };
      checkId(facts, "user_id", userId);
      checkIdentityProviderId(facts, "source_identity_provider_id", sourceIdentityProviderId);
      checkIdentityProviderId(facts, "target_identity_provider_id", targetIdentityProviderId);
      await requireIdentityProvider(facts, providers, sourceIdentityProviderId);
      await requireIdentityProvider(facts, providers, targetIdentityProviderId);
      await storeReferring(facts, targetIdentityProviderId, () =>
        users.update(userId, (present) => ({
          ...found(facts, "update user identity provider", present, userId, sourceIdentityProviderId),
          identityProviderId: targetIdentityProviderId,
        })),
      );
      return {};
    },
  } satisfies Handlers<typeof UserManagementServiceV2>;
}

function toMessage({
  id,
  primaryParty,
  isDeactivated,
  annotations,
  resourceVersion,
  identityProviderId,
}: User): UserMessage {
  return {
    id,
    primaryParty,
    isDeactivated,
    metadata: { resourceVersion: String(resourceVersion), annotations: { ...annotations } },
    identityProviderId,
  };
}

function toRight({ kind, party }: UserRight): Right {
  // Every kind is a message of the same name that has a party or nothing.
  return { kind: { $case: kind, value: party === "" ? {} : { party } } as Right["kind"] };
}

/** The token of the page after a user: as published a message of one text field, in URL-safe base64. */
function pageTokenOf(userId: string): string {
  const text = Buffer.from(StringValue.encode({ value: userId }).finish()).toString("base64");
  return text.replaceAll("+", "-").replaceAll("/", "_");
}

function userIdOfPageToken(token: string): string | undefined {
  try {
    const { value } = StringValue.decode(Buffer.from(token, "base64url"));
    return pageTokenOf(value) === token && userIdFault(value) === undefined ? value : undefined;
  } catch {
    return undefined;
  }
}
