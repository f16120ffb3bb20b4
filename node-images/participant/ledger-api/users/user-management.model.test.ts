import { UserManagementServiceClient as ClientV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import {
  UserManagementServiceClient as ClientV2,
  type Right,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/user_management_service.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { userLedger } from "../../testing/user-ledger.ts";

/** What a user is, kept in the simplest way: a map, and sets of texts. */
interface ModelUser {
  primaryParty: string;
  isDeactivated: boolean;
  annotations: Map<string, string>;
  version: number;
  rights: Set<string>;
}

type Step =
  | { do: "create"; id: string; party: string; rights: string[] }
  | {
      do: "update";
      id: string;
      paths: string[];
      party: string;
      off: boolean;
      notes: Record<string, string>;
      version: string;
    }
  | { do: "grant" | "revoke"; id: string; rights: string[] }
  | { do: "delete" | "get" | "rights"; id: string }
  | { do: "list"; size: number };

const id = fc.constantFrom("Ann", "bob", "bob-2", "zoe");
const party = fc.constantFrom("", "p::1220", "q::1220");
const right = fc.constantFrom(
  "participantAdmin",
  "identityProviderAdmin",
  "canActAs p::1220",
  "canActAs q::1220",
  "canReadAs p::1220",
  "canReadAsAnyParty",
);
const rights = fc.array(right, { maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("create" as const), id, party, rights }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      id,
      paths: fc.uniqueArray(fc.constantFrom("primary_party", "is_deactivated", "metadata", "metadata.annotations"), {
        minLength: 1,
      }),
      party,
      off: fc.boolean(),
      notes: fc.dictionary(fc.constantFrom("k", "x/y", "z"), fc.constantFrom("", "1", "2"), { noNullPrototype: true }),
      version: fc.constantFrom("", "", "0", "1"),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("grant" as const, "revoke" as const), id, rights }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("delete" as const, "get" as const, "rights" as const), id }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("list" as const), size: fc.integer({ min: 1, max: 3 }) }) },
);

const shown = (id: string, user: ModelUser) => ({
  id,
  primaryParty: user.primaryParty,
  isDeactivated: user.isDeactivated,
  metadata: { resourceVersion: String(user.version), annotations: Object.fromEntries(user.annotations) },
  identityProviderId: "",
});

/** What the model answers to a step, or the reason of its refusal. */
function modelled(users: Map<string, ModelUser>, step: Step): unknown {
  if (step.do === "list") {
    return [...users].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, user]) => shown(id, user));
  }
  const user = users.get(step.id);
  if (step.do === "create") {
    if (user !== undefined) return "USER_ALREADY_EXISTS";
    const made = {
      primaryParty: step.party,
      isDeactivated: false,
      annotations: new Map<string, string>(),
      version: 0,
      rights: new Set(step.rights),
    };
    users.set(step.id, made);
    return shown(step.id, made);
  }
  if (user === undefined) return "USER_NOT_FOUND";
  switch (step.do) {
    case "get":
      return shown(step.id, user);
    case "rights":
      return new Set(user.rights);
    case "delete":
      users.delete(step.id);
      return "deleted";
    case "grant": {
      const granted = new Set(step.rights.filter((right) => !user.rights.has(right)));
      for (const right of granted) user.rights.add(right);
      return granted;
    }
    case "revoke":
      return new Set(step.rights.filter((right) => user.rights.delete(right)));
    case "update": {
      if (step.version !== "" && step.version !== String(user.version)) return "CONCURRENT_USER_UPDATE_DETECTED";
      if (step.paths.includes("primary_party")) user.primaryParty = step.party;
      if (step.paths.includes("is_deactivated")) user.isDeactivated = step.off;
      if (step.paths.some((path) => path.startsWith("metadata"))) {
        for (const [key, value] of Object.entries(step.notes)) {
          if (value === "") user.annotations.delete(key);
          else user.annotations.set(key, value);
        }
      }
      user.version++;
      return shown(step.id, user);
    }
  }
}

const toRight = (text: string): Right => {
  const [kind, party] = text.split(" ");
  return { kind: { $case: kind, value: party === undefined ? {} : { party } } as Right["kind"] };
};
const fromRights = (rights: readonly Right[]) =>
  new Set(
    rights.map(({ kind }) => (kind && "party" in kind.value ? `${kind.$case} ${kind.value.party}` : kind?.$case)),
  );

/** What the service answers to a step. */
async function answered(client: ClientV2, step: Step): Promise<unknown> {
  const options = { deadlineMs: 10_000 };
  const named = "id" in step ? { userId: step.id, identityProviderId: "" } : { userId: "", identityProviderId: "" };
  try {
    switch (step.do) {
      case "create": {
        const { id, party: primaryParty } = step;
        const user = { id, primaryParty, isDeactivated: false, metadata: undefined, identityProviderId: "" };
        return (await call(client, "createUser", { user, rights: step.rights.map(toRight) }, options)).user;
      }
      case "update": {
        const metadata = { resourceVersion: step.version, annotations: step.notes };
        const { id, party: primaryParty, off: isDeactivated, paths: updateMask } = step;
        const user = { id, primaryParty, isDeactivated, metadata, identityProviderId: "" };
        return (await call(client, "updateUser", { user, updateMask }, options)).user;
      }
      case "grant": {
        const request = { ...named, rights: step.rights.map(toRight) };
        return fromRights((await call(client, "grantUserRights", request, options)).newlyGrantedRights);
      }
      case "revoke": {
        const request = { ...named, rights: step.rights.map(toRight) };
        return fromRights((await call(client, "revokeUserRights", request, options)).newlyRevokedRights);
      }
      case "delete":
        await call(client, "deleteUser", named, options);
        return "deleted";
      case "get":
        return (await call(client, "getUser", named, options)).user;
      case "rights":
        return fromRights((await call(client, "listUserRights", named, options)).rights);
      case "list": {
        const users: unknown[] = [];
        let pageToken = "";
        do {
          const page: any = await call(
            client,
            "listUsers",
            { pageToken, pageSize: step.size, identityProviderId: "" },
            options,
          );
          expect(page.users.length).toBeLessThanOrEqual(step.size);
          users.push(...page.users);
          pageToken = page.nextPageToken;
        } while (pageToken !== "");
        return users;
      }
    }
  } catch (error) {
    if (isCantonError(error)) return error.reason;
    throw error;
  }
}

test("any sequence of calls, v1 or v2, is answered as by a map of users", async () => {
  await using ledger = await userLedger();
  const v2 = ledger.client(ClientV2);
  // The messages of v1 are those of v2 with fewer kinds of rights: what names one that it lacks goes to v2.
  const v1 = ledger.client(ClientV1) as unknown as ClientV2;
  const needsV2 = (step: Step) =>
    step.do === "rights" || ("rights" in step && step.rights.includes("canReadAsAnyParty"));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { minLength: 1, maxLength: 40 }), async (steps) => {
      for (const { id } of await ledger.users.list("", 1_000, "")) await ledger.users.delete(id, () => undefined);
      const users = new Map<string, ModelUser>();
      for (const [step, older] of steps) {
        const client = older && !needsV2(step) ? v1 : v2;
        expect(await answered(client, step), JSON.stringify(step)).toEqual(modelled(users, step));
      }
    }),
    { numRuns: Math.min(Number(process.env.PROPERTY_RUNS ?? "") || 25, 500) },
  );
}, 300_000);
