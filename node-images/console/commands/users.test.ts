import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { TestNetwork } from "../testing/test-network.ts";
import type { IdentityProviderView } from "./identity-providers.ts";
import type { RightsView, UserView } from "./users.ts";

vi.setConfig({ testTimeout: 120_000 });

let network: TestNetwork;
/** The parties of the seed's cookbook. */
const parties: Record<string, string> = {};
beforeAll(async () => {
  network = await TestNetwork.start(["participant1"]);
  await network.join("participant1");
  for (const name of ["alice", "bob", "eve"]) {
    parties[name] = (await network.json<{ party: string }>("parties", "enable", name)).party;
  }
}, 60_000);
afterAll(() => network?.[Symbol.asyncDispose]());

const users = <T = UserView>(...args: string[]) => network.json<T>("users", ...args);
const party = (name: string) => parties[name] ?? "";

describe("the seed's cookbook of users, in its order", () => {
  test("create, update, inspect", async () => {
    const created = await users(
      ...["create", "myuser", "--act-as", party("alice"), "--read-as", party("bob"), "--primary-party", party("alice")],
      ...["--annotation", "foo=bar", "--annotation", "description=This is a description"],
    );
    expect(created).toMatchObject({
      id: "myuser",
      primaryParty: party("alice"),
      isActive: true,
      annotations: { foo: "bar", description: "This is a description" },
    });
    const updated = await users(
      ...["update", "myuser", "--no-primary-party", "--remove-annotation", "foo"],
      ...["--annotation", "description=This is a new description", "--annotation", "baz=bar"],
    );
    expect(updated).toMatchObject({
      primaryParty: null,
      isActive: true,
      annotations: { baz: "bar", description: "This is a new description" },
    });
    expect(updated.annotations).not.toHaveProperty("foo");
    expect(await users("get", "myuser")).toEqual(updated);
  });

  test("rights: list, grant and revoke print what is, what is new, and what was taken", async () => {
    const rights = (...args: string[]) => users<RightsView>("rights", ...args);
    expect(await rights("list", "myuser")).toMatchObject({
      actAs: [party("alice")],
      readAs: [party("bob")],
      participantAdmin: false,
    });
    const granted = ["--act-as", party("alice"), "--act-as", party("bob"), "--read-as", party("eve"), "--admin"];
    expect(await rights("grant", "myuser", ...granted)).toMatchObject({
      actAs: [party("bob")],
      readAs: [party("eve")],
      participantAdmin: true,
    });
    const revoked = ["--act-as", party("bob"), "--read-as", party("alice"), "--admin"];
    expect(await rights("revoke", "myuser", ...revoked)).toMatchObject({
      actAs: [party("bob")],
      readAs: [],
      participantAdmin: true,
    });
    expect(await rights("myuser")).toMatchObject({
      actAs: [party("alice")],
      readAs: [party("bob"), party("eve")].sort(),
      participantAdmin: false,
    });
  });

  test("list by the start of a name, deactivate, delete", async () => {
    await users("create", "myotheruser");
    const mine = await users<UserView[]>("list", "--prefix", "my");
    expect(mine.map(({ id }) => id)).toEqual(["myotheruser", "myuser"]);
    expect((await users("update", "myuser", "--deactivate")).isActive).toBe(false);
    expect((await users("update", "myuser", "--activate")).isActive).toBe(true);
    await network.text("users", "delete", "myotheruser");
    expect(await users<UserView[]>("list", "--prefix", "myother")).toEqual([]);
    expect(await network.text("users", "--prefix", "my")).toContain("myuser");
  });
});

test("what the participant refuses is told with its reason", async () => {
  expect(await network.refusal("users", "get", "nobody")).toContain("USER_NOT_FOUND");
  expect(await network.refusal("users", "create", "two words")).toContain("two words");
  const { resourceVersion } = await users("create", "versioned");
  await users("update", "versioned", "--annotation", "a=b", "--resource-version", resourceVersion);
  const stale = ["users", "update", "versioned", "--annotation", "a=c", "--resource-version", resourceVersion];
  expect(await network.refusal(...stale)).toMatch(/concurrent|CONCURRENT/);
});

test("mistakes are told before anything is called", async () => {
  expect(await network.refusal("users", "update", "myuser")).toContain("Nothing is to be changed");
  expect(await network.refusal("users", "update", "myuser", "--activate", "--deactivate")).toContain("exclude");
  expect(await network.refusal("users", "create", "x", "--annotation", "none")).toContain("key=value");
  expect(await network.refusal("users", "create", "x", "--act-as", "nobody")).toContain("name::1220");
  await writeFile(network.path("no-token"), "not a token");
  expect(await network.refusal("users", "list", "--token-file", network.path("no-token"))).toContain("holds no token");
  expect(await network.text("users", "--help")).toContain("rights");
});

test("identity providers: made, changed, deactivated, listed and removed", async () => {
  const providers = <T = IdentityProviderView>(...args: string[]) => network.json<T>("identity-providers", ...args);
  const made = await providers(
    "create",
    "corporate",
    "--issuer",
    "https://issuer.example",
    "--jwks-url",
    "https://issuer.example/keys",
  );
  expect(made).toMatchObject({ id: "corporate", isActive: true, issuer: "https://issuer.example", audience: "" });
  expect(await providers("update", "corporate", "--audience", "ours", "--deactivate")).toMatchObject({
    audience: "ours",
    isActive: false,
    issuer: "https://issuer.example",
  });
  expect(await providers("get", "corporate")).toMatchObject({ audience: "ours" });
  await users("create", "theirs", "--identity-provider", "corporate");
  expect((await users<UserView[]>("list", "--identity-provider", "corporate")).map(({ id }) => id)).toEqual(["theirs"]);
  await network.text("users", "delete", "theirs", "--identity-provider", "corporate");
  await network.text("identity-providers", "delete", "corporate");
  expect(await providers<IdentityProviderView[]>("list")).toEqual([]);
  expect(await network.refusal("identity-providers", "get", "corporate")).toContain("corporate");
  expect(await network.refusal("identity-providers", "update", "corporate")).toContain("Nothing is to be changed");
});
