import { status } from "@grpc/grpc-js";
import { UserManagementServiceClient as ClientV1 } from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v1/admin/user_management_service.ts";
import {
  UserManagementServiceClient as ClientV2,
  CreateUserRequest,
  type Right,
  UpdateUserRequest,
} from "@pulumi-canton/protocol/gen/com/daml/ledger/api/v2/admin/user_management_service.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { refusalOf } from "../../testing/served.ts";
import { userLedger } from "../../testing/user-ledger.ts";

const deadline = { deadlineMs: 10_000 };
const named = (userId: string) => ({ userId, identityProviderId: "" });
const actAs = (party: string): Right => ({ kind: { $case: "canActAs", value: { party } } });

let ledger: Awaited<ReturnType<typeof userLedger>>;
let client: ClientV2;
beforeAll(async () => {
  ledger = await userLedger();
  client = ledger.client(ClientV2);
});
afterAll(() => ledger[Symbol.asyncDispose]());

const create = (user: Parameters<typeof CreateUserRequest.fromPartial>[0]["user"], rights: Right[] = []) =>
  call(client, "createUser", CreateUserRequest.fromPartial({ user, rights }), deadline);
const update = (user: Parameters<typeof UpdateUserRequest.fromPartial>[0]["user"], updateMask: string[]) =>
  call(client, "updateUser", UpdateUserRequest.fromPartial({ user, updateMask }), deadline);

describe("a user", () => {
  test("is refused as one of an unknown identity provider when somebody deletes that at the same moment", async () => {
    const gone = { id: "idp", isDeactivated: false, issuer: "i", jwksUrl: "https://i/", audience: "" };
    const unknown = {
      code: status.INVALID_ARGUMENT,
      reason: "INVALID_ARGUMENT",
      message: expect.stringMatching(/Provided identity_provider_id Id\(idp\) has not been found/),
    };
    const found = vi.spyOn(ledger.providers, "find").mockResolvedValue(gone);
    try {
      expect(await refusalOf(create({ id: "late", identityProviderId: "idp" }))).toMatchObject(unknown);
      await create({ id: "moved" });
      const move = { userId: "moved", sourceIdentityProviderId: "", targetIdentityProviderId: "idp" };
      expect(await refusalOf(call(client, "updateUserIdentityProviderId", move, deadline))).toMatchObject(unknown);
    } finally {
      found.mockRestore();
    }
    expect(await refusalOf(call(client, "getUser", named("late"), deadline))).toMatchObject({
      reason: "USER_NOT_FOUND",
    });
  });

  test("with a text that no database can hold is refused as the caller's mistake", async () => {
    const refusal = await refusalOf(create({ id: "zero", metadata: { annotations: { a: "\0" } } }));
    expect(refusal).toMatchObject({ code: status.INVALID_ARGUMENT, message: expect.stringMatching(/U\+0000/) });
  });

  test("has the rights of both versions; the older lists those that it has words for", async () => {
    const rights: Right[] = [
      { kind: { $case: "canExecuteAsAnyParty", value: {} } },
      { kind: { $case: "canReadAsAnyParty", value: {} } },
      { kind: { $case: "canExecuteAs", value: { party: "p::1220" } } },
      actAs("q::1220"),
      actAs("p::1220"),
      { kind: { $case: "participantAdmin", value: {} } },
    ];
    await create({ id: "many" }, [...rights, ...rights]);
    const listed = await call(client, "listUserRights", named("many"), deadline);
    expect(listed.rights).toEqual([rights[5], rights[4], rights[3], rights[1], rights[2], rights[0]]);
    const older = await call(ledger.client(ClientV1), "listUserRights", named("many"), deadline);
    expect(older.rights).toEqual([rights[5], rights[4], rights[3]]);
  });

  test("of those who update it at once, having seen the same version, one succeeds", async () => {
    await create({ id: "contended" });
    const attempts = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        update({ id: "contended", metadata: { resourceVersion: "0", annotations: { n: String(n) } } }, ["metadata"]),
      ),
    );
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const attempt of attempts) {
      if (attempt.status === "rejected")
        expect(attempt.reason).toMatchObject({ reason: "CONCURRENT_USER_UPDATE_DETECTED" });
    }
    const { user } = await call(client, "getUser", named("contended"), deadline);
    expect(user?.metadata?.resourceVersion).toBe("1");
  });

  test("has 1000 rights at most, also when they are granted at once", async () => {
    const parties = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => actAs(`p${from + n}::1220`));
    expect(await refusalOf(create({ id: "greedy" }, parties(0, 1_001)))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      reason: "TOO_MANY_USER_RIGHTS",
    });
    await create({ id: "greedy" }, parties(0, 900));
    const grant = (rights: Right[]) => call(client, "grantUserRights", { ...named("greedy"), rights }, deadline);
    const attempts = await Promise.allSettled([grant(parties(900, 960)), grant(parties(960, 1_020))]);
    expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await call(client, "listUserRights", named("greedy"), deadline)).rights).toHaveLength(960);
  });

  test("keeps its annotations within 256 KiB, counted together", async () => {
    const half = "x".repeat(130 * 1024);
    await create({ id: "verbose", metadata: { annotations: { a: half } } });
    const more = { id: "verbose", metadata: { annotations: { b: half } } };
    expect(await refusalOf(update(more, ["metadata.annotations"]))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      reason: "MAX_USER_ANNOTATIONS_SIZE_EXCEEDED",
    });
    const instead = { id: "verbose", metadata: { annotations: { a: "", b: half } } };
    const { user } = await update(instead, ["metadata.annotations"]);
    expect(Object.keys(user?.metadata?.annotations ?? {})).toEqual(["b"]);
  });

  test("is there with all its rights or not at all, and there when that was said, whatever becomes of the database", async () => {
    const rights = Array.from({ length: 20 }, (_, n) => actAs(`p${n}::1220`));
    const ids = Array.from({ length: 60 }, (_, n) => `cut-${n}`);
    const attempts = ids.map(async (id) => {
      await create({ id }, rights);
      // In the middle: some are done by now, some are not.
      if (id === "cut-20") await ledger.cutDatabase();
      return id;
    });
    const acknowledged = (await Promise.allSettled(attempts)).flatMap((attempt) =>
      attempt.status === "fulfilled" ? [attempt.value] : [],
    );
    const there = (await ledger.users.list("", 1_000, "")).map(({ id }) => id).filter((id) => id.startsWith("cut-"));
    expect(there).toEqual(expect.arrayContaining(acknowledged));
    for (const id of there) expect((await ledger.users.findWithRights(id))?.rights, id).toHaveLength(rights.length);
    expect(acknowledged).toContain("cut-20");
  });

  test("that was deleted begins anew", async () => {
    await create({ id: "phoenix", isDeactivated: true }, [actAs("p::1220")]);
    await call(client, "deleteUser", named("phoenix"), deadline);
    expect((await create({ id: "phoenix" })).user).toMatchObject({ isDeactivated: false });
    expect((await call(client, "listUserRights", named("phoenix"), deadline)).rights).toEqual([]);
  });
});

describe("what is refused, with the field and what is accepted", () => {
  const party = { kind: { $case: "canActAs", value: { party: "bad party!" } } } as Right;
  const key = (key: string) => ({ id: "u", metadata: { annotations: { [key]: "v" } } });
  const long = "x".repeat(64);
  const cases: [string, () => Promise<unknown>, string, RegExp][] = [
    ["a user without an id", () => create({}), "MISSING_FIELD", /field: id$/],
    ["an id with a space", () => create({ id: "a b" }), "INVALID_FIELD", /field id: User ID "a b" does not match/],
    ["an id too long", () => create({ id: "x".repeat(129) }), "INVALID_FIELD", /\{1,128\}/],
    ["a party that is none", () => create({ id: "u" }, [party]), "INVALID_ARGUMENT", /0x21 in Daml-LF Party/],
    ["the right of no party", () => create({ id: "u" }, [actAs("")]), "INVALID_ARGUMENT", /Party is empty/],
    [
      "an id of a provider",
      () => create({ id: "u", identityProviderId: "a!" }),
      "INVALID_FIELD",
      /identity_provider_id: "a!"/,
    ],
    [
      "no such provider",
      () => create({ id: "u", identityProviderId: "a" }),
      "INVALID_ARGUMENT",
      /Id\(a\) has not been found/,
    ],
    ["a key with two slashes", () => create(key("a/b/c")), "INVALID_ARGUMENT", /more than one forward slash/],
    ["a key without a name", () => create(key("a/")), "INVALID_ARGUMENT", /name segment '' has invalid syntax/],
    ["a key of a long name", () => create(key(long)), "INVALID_ARGUMENT", /'x{50}\.\.\.' exceeds maximum length of 63/],
    [
      "a key of a bad prefix",
      () => create(key("a_b/c")),
      "INVALID_ARGUMENT",
      /prefix segment 'a_b' has invalid syntax/,
    ],
    ["a key of a long prefix", () => create(key(`${"x".repeat(254)}/c`)), "INVALID_ARGUMENT", /length of 253/],
    ["a key that ends in a dot", () => create(key("a.")), "INVALID_ARGUMENT", /'a\.' has invalid syntax/],
    [
      "a version that is none",
      () => update({ id: "u", metadata: { resourceVersion: "x" } }, ["id"]),
      "INVALID_FIELD",
      /user\.metadata\.resource_version: Invalid resource version number/,
    ],
    [
      "a path of parts",
      () => update({ id: "u" }, ["metadata.annotations.a"]),
      "INVALID_USER_UPDATE_REQUEST",
      /unknown field/,
    ],
    ["an empty path", () => update({ id: "u" }, [""]), "INVALID_USER_UPDATE_REQUEST", /'' points to an unknown field/],
    [
      "half a name",
      () => update({ id: "u" }, ["meta"]),
      "INVALID_USER_UPDATE_REQUEST",
      /'meta' points to an unknown field/,
    ],
    [
      "another provider's user",
      () => update({ id: "u", identityProviderId: "a" }, ["id"]),
      "INVALID_ARGUMENT",
      /Id\(a\) has not been found/,
    ],
  ];
  test.each(cases)("%s", async (_, attempt, reason, text) => {
    const refusal = await refusalOf(attempt());
    expect(refusal).toMatchObject({ code: status.INVALID_ARGUMENT, reason });
    expect(refusal.message).toMatch(text);
  });

  test.each([["Cg=="], ["!!!!"], ["CgNhIGI="], ["CgFhCgFi"]])("page token %s", async (pageToken) => {
    const request = { pageToken, pageSize: 1, identityProviderId: "" };
    expect(await refusalOf(call(client, "listUsers", request, deadline))).toMatchObject({
      message: expect.stringMatching(/Invalid page token/),
    });
  });
});
