import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Fate, type PlannedResource, type Properties, readEvents, unknownText } from "./events.ts";
import { topologyWords } from "./topology-words.ts";

const recorded = (name: string) =>
  topologyWords(readEvents(readFileSync(join(import.meta.dirname, "testing", `${name}.jsonl`), "utf8")).resources);

test("a network that is not there yet", () => {
  expect(recorded("first-preview")).toEqual([
    "participant alice gains Submission on domain mydomain",
    "participant bob gains Submission on domain mydomain",
    "participant alice connects to domain mydomain",
    "participant bob connects to domain mydomain",
    "party Alice is hosted by participant alice",
    "party Bob is hosted by participant bob",
  ]);
});

test("a network that was changed by hand and in its configuration", () => {
  expect(recorded("drift-and-changes")).toEqual([
    "participant alice is left with Observation on domain mydomain, where it had Submission",
    "participant bob gains Submission on domain mydomain, where it had Disabled",
    "participant bob connects to domain mydomain again",
    "party Alice is hosted by participant alice",
    "party Bert is hosted by participant bob",
    "a party (bob-hosts-Alice) is hosted by participant bob too, with Confirmation",
    "party Bob is no longer hosted by participant bob",
  ]);
});

test("what is no topology is not told", () => {
  expect(recorded("replacements")).toEqual([]);
});

const domainId = "mydomain::1220aaaaaaaaaaaa";
const bob = "PAR::bob::1220bbbbbbbbbbbb";

function resource(kind: string, fate: Fate, before?: Properties, after?: Properties, name = "x"): PlannedResource {
  const type = `pulumi-nodejs:dynamic/${kind}`;
  return { urn: `urn::${name}`, type, name, parent: undefined, fate, before, after, changed: [], replacedBy: [] };
}
const told = (...of: Parameters<typeof resource>) => topologyWords([resource(...of)]);

describe("each kind", () => {
  const entry = { domainId, participant: bob, permission: "Submission", trustLevel: "Ordinary" };
  const hosting = { domainId, participantId: bob, party: "Alice::1220cc", permission: "Observation" };
  const delegation = { namespace: "1220bbbbbbbbbbbb", key: "1220dd" };
  const mapping = { owner: bob, purpose: "signing", keyVersion: "1" };
  const user = { userId: "carol", actAs: ["Carol::1220cc"], readAs: [unknownText], participantAdmin: true };
  const provider = { identityProviderId: "idp", issuer: "https://idp" };

  test.each<[string, string[], string[]]>([
    [
      "create",
      told("topology:AllowListing", "create", undefined, { ...entry, trustLevel: "Vip" }, "bob"),
      ["participant bob gains Submission on domain mydomain as a VIP"],
    ],
    [
      "another organisation's",
      told("topology:AllowListing", "create", undefined, entry, "bob-1220bb"),
      ["participant bob (1220bbbbbbbb…) gains Submission on domain mydomain"],
    ],
    [
      "bar",
      told("topology:AllowListing", "update", entry, { ...entry, permission: "Disabled" }, "bob"),
      ["participant bob is barred from domain mydomain, where it had Submission"],
    ],
    [
      "trust",
      told("topology:AllowListing", "update", entry, { ...entry, trustLevel: "Vip" }, "bob"),
      ["participant bob is trusted as Vip on domain mydomain, where it was Ordinary"],
    ],
    [
      "delete",
      told("topology:AllowListing", "delete", entry, undefined, "bob"),
      ["participant bob loses Submission on domain mydomain"],
    ],
    [
      "connection",
      told("topology:DomainConnection", "delete", { participantId: bob, domainId }),
      ["participant bob disconnects from domain mydomain, for good"],
    ],
    [
      "connection's address",
      told("topology:DomainConnection", "update", { participantId: bob, domainId }, { participantId: bob, domainId }),
      [],
    ],
    [
      "terms",
      told("topology:TermsOfService", "create", undefined, { domainId, termsId: "2026-01" }, "bob"),
      ['participant bob accepts the terms "2026-01" of domain mydomain'],
    ],
    [
      "hosting",
      told("topology:PartyHosting", "update", hosting, { ...hosting, permission: "Submission" }),
      ["party Alice is hosted by participant bob with Submission, where it was with Observation"],
    ],
    [
      "hosting ends",
      told("topology:PartyHosting", "delete", hosting),
      ["party Alice is no longer hosted by participant bob"],
    ],
    [
      "moved",
      told("topology:Party", "replace", { ...hosting, participantId: "PAR::alice::1220cc" }, hosting),
      ["party Alice is no longer hosted by participant alice", "party Alice is hosted by participant bob"],
    ],
    [
      "root delegation",
      told("topology:NamespaceDelegation", "create", undefined, { ...delegation, isRootDelegation: true }),
      ["key 1220dd may sign for the namespace 1220bbbbbbbb…, as its root key does"],
    ],
    [
      "delegation ends",
      told("topology:NamespaceDelegation", "delete", delegation),
      ["key 1220dd may no longer sign for the namespace 1220bbbbbbbb…"],
    ],
    [
      "identifier",
      told("topology:IdentifierDelegation", "create", undefined, { identifier: "bob::1220bb", key: "1220dd" }),
      ["key 1220dd may sign for bob"],
    ],
    [
      "key rotation",
      told("topology:OwnerToKeyMapping", "update", mapping, { ...mapping, keyVersion: "2" }),
      ["bob gets a new key for signing (version 2)"],
    ],
    [
      "mediator",
      told("topology:MediatorDomainState", "create", undefined, { domainId, mediator: "MED::m2::1220aa" }),
      ["mediator m2 serves domain mydomain"],
    ],
    [
      "parameters",
      told(
        "topology:DomainParameters",
        "update",
        { domainId, parameters: { a: "1s" } },
        { domainId, parameters: { a: "2s", b: 3 } },
      ),
      ['domain mydomain has a "2s", where it was "1s"; b 3, where it was its default'],
    ],
    [
      "identity",
      told("topology:NodeIdentity", "create", undefined, { role: "participant", identifier: "bob", rootKey: "node" }),
      ["participant bob gets its identity, with a root key on the node"],
    ],
    [
      "user",
      told("identity:LedgerUser", "create", undefined, user),
      ["user carol is made: administers the participant, acts as Carol, reads as a new party"],
    ],
    ["tokens", told("identity:IdentityProvider", "delete", provider), ["tokens of https://idp are no longer accepted"]],
    [
      "invitation",
      told("invitation:Invitation", "create", undefined, { domainId }),
      ["an invitation to domain mydomain is given out"],
    ],
    [
      "a kind without words of its own",
      told("topology:PartyMigration", "create", undefined, {}, "alice-moves"),
      ["PartyMigration alice-moves is made"],
    ],
  ])("%s", (_what, sentences, expected) => {
    expect(sentences).toEqual(expected);
  });
});

test("a party that is replaced before its participant is known is said by its old one", () => {
  const before = { domainId, participantId: bob, party: "Alice" };
  const after = { domainId: unknownText, participantId: unknownText, party: "Alicia" };
  expect(told("topology:Party", "replace", before, after)).toEqual([
    "party Alice is no longer hosted by participant bob",
    "party Alicia is hosted by participant bob",
  ]);
});
