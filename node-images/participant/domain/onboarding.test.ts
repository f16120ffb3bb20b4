import type { ServiceAgreementVersion } from "@pulumi-canton/protocol/service-agreement.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Abilities, Effect, Event, Refusal, StaticParameters } from "./onboarding.ts";
import { begin, decide, effectOf, retryable } from "./onboarding.ts";
import { runOnboarding } from "./onboarding-run.ts";

const abilities: Abilities = {
  protocolVersions: [5],
  signingKeySchemes: ["Ed25519"],
  encryptionKeySchemes: ["EciesP256HkdfHmacSha256Aes128Gcm"],
  symmetricKeySchemes: ["Aes128Gcm"],
  hashAlgorithms: ["Sha256"],
  keyFormats: ["Raw", "Der"],
};

/** A domain as the participant meets it, and what the participant has stored: both outlive a crash of the participant. */
interface World {
  agreement: string | undefined;
  protocolVersion: number;
  domainId: string;
  otherAlias: string | undefined;
  hashAlgorithms: string[];
  allowListed: boolean;
  reachable: boolean;
  /** What the domain did. */
  onboarded: boolean;
  active: boolean;
  /** What the participant stored. */
  accepted: string[];
  pinned: string | undefined;
  storedDomainId: string | undefined;
  /** Everything that happened, in order. */
  log: string[];
}

/** `id` or `id changed`: the same id with another text. */
const terms = (text: string): ServiceAgreementVersion => ({ id: text.split(" ")[0] ?? "", textHash: text });

class Crash extends Error {}

/** Does effects against the world; `crashAt(n)` says whether the participant dies at its n-th effect, before or after it took hold. */
function performer(world: World, crashAt: (n: number) => "before" | "after" | undefined) {
  let n = 0;
  return async (effect: Effect): Promise<Event> => {
    const crash = crashAt(n++);
    if (crash === "before") throw new Crash();
    const event = perform(world, effect);
    if (crash === "after") throw new Crash();
    return event;
  };
}

function perform(world: World, effect: Effect): Event {
  world.log.push(effect.do);
  if (!world.reachable && effect.do !== "remember") {
    return { event: "failed", refusal: { kind: "unreachable", reason: "connection refused" } };
  }
  switch (effect.do) {
    case "read-agreement":
      return { event: "agreement-read", agreement: world.agreement === undefined ? undefined : terms(world.agreement) };
    case "handshake":
      return {
        event: "handshake-answered",
        accepted: effect.protocolVersions.includes(world.protocolVersion),
        reason: `server runs ${world.protocolVersion}`,
      };
    case "read-domain-id":
      return { event: "domain-id-read", domainId: world.domainId, otherAlias: world.otherAlias };
    case "read-parameters":
      return { event: "parameters-read", parameters: parametersOf(world) };
    case "remember":
      if (world.storedDomainId !== undefined && world.storedDomainId !== effect.domainId) {
        throw new Error("the stored domain id changed");
      }
      world.storedDomainId = effect.domainId;
      return { event: "remembered" };
    case "verify-active":
      return { event: "activity-verified", active: world.active };
    case "request-onboarding":
      if (!world.allowListed) return { event: "onboarding-answered", accepted: false, reason: "not on the allow-list" };
      world.onboarded = true;
      return { event: "onboarding-answered", accepted: true, reason: "" };
    case "await-activation":
      world.active = world.onboarded;
      return { event: "activated" };
    case "subscribe":
      if (!world.active) return { event: "failed", refusal: { kind: "not-active", reason: "disabled" } };
      return { event: "subscribed" };
    case "await-own-state":
      return { event: "own-state-seen" };
  }
}

function parametersOf(world: World): StaticParameters {
  return { ...abilities, protocolVersion: world.protocolVersion, hashAlgorithms: world.hashAlgorithms };
}

async function connect(world: World, crashAt: (n: number) => "before" | "after" | undefined) {
  const remembered = {
    pinnedDomainId: world.pinned,
    domainId: world.storedDomainId,
    acceptedAgreements: world.accepted.map(terms),
    abilities,
  };
  return runOnboarding(remembered, performer(world, crashAt), { signal: new AbortController().signal });
}

const never = () => undefined;

const worlds: fc.Arbitrary<World> = fc.record({
  agreement: fc.constantFrom(undefined, "terms-1", "terms-1 changed"),
  protocolVersion: fc.constantFrom(5, 5, 5, 4, 7),
  domainId: fc.constantFrom("d::1", "d::2"),
  otherAlias: fc.constantFrom(undefined, undefined, undefined, "other"),
  hashAlgorithms: fc.constantFrom(["Sha256"], ["Sha256"], ["Sha512"]),
  allowListed: fc.boolean(),
  reachable: fc.constantFrom(true, true, true, false),
  onboarded: fc.constant(false),
  active: fc.constant(false),
  accepted: fc.constantFrom([], ["terms-1"]),
  pinned: fc.constantFrom(undefined, undefined, "d::1"),
  storedDomainId: fc.constantFrom(undefined, undefined, "d::1"),
  log: fc.constant(undefined).map(() => []),
});

/** What must come out, said without the machine. */
function expectedOutcome(world: World): "active" | Refusal["kind"] {
  if (!world.reachable) return "unreachable";
  if (world.agreement !== undefined && !world.accepted.includes(world.agreement)) return "agreement-not-accepted";
  if (world.protocolVersion !== 5) return "incompatible-protocol-version";
  for (const expected of [world.pinned, world.storedDomainId]) {
    if (expected !== undefined && expected !== world.domainId) return "domain-id-mismatch";
  }
  if (world.otherAlias !== undefined) return "domain-already-added";
  if (!world.hashAlgorithms.includes("Sha256")) return "incompatible-parameters";
  return world.allowListed ? "active" : "not-active";
}

describe("onboarding", () => {
  test("ends active exactly when the domain admits the participant and everything fits, otherwise with the cause", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const expected = expectedOutcome(world);
        const end = await connect(world, never);
        expect(end.phase === "active" ? "active" : end.refusal.kind).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  test("converges to the same end however often it is killed, wherever", async () => {
    const crashes = fc.array(fc.tuple(fc.nat(12), fc.constantFrom("before" as const, "after" as const)), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(worlds, crashes, async (world, plan) => {
        const expected = expectedOutcome(world);
        for (const [at, when] of plan) {
          await connect(world, (n) => (n === at ? when : undefined)).catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error;
          });
        }
        const end = await connect(world, never);
        expect(end.phase === "active" ? "active" : end.refusal.kind).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  test("tells the domain nothing before agreement, protocol version and domain id are settled, and relies on nothing that is not stored", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        await connect(world, never);
        const firstOf = (step: string) => world.log.indexOf(step);
        for (const telling of ["request-onboarding", "subscribe"]) {
          if (firstOf(telling) === -1) continue;
          for (const before of ["read-agreement", "handshake", "read-domain-id", "read-parameters", "remember"]) {
            expect(firstOf(before)).toBeGreaterThan(-1);
            expect(firstOf(before)).toBeLessThan(firstOf(telling));
          }
        }
        if (firstOf("subscribe") !== -1) expect(world.active).toBe(true);
        if (world.log.includes("remember")) expect(world.storedDomainId).toBe(world.domainId);
      }),
      { numRuns: 500 },
    );
  });

  test("is admitted once the allow-list has it, without asking again once it is active", async () => {
    const world: World = {
      agreement: undefined,
      protocolVersion: 5,
      domainId: "d::1",
      otherAlias: undefined,
      hashAlgorithms: ["Sha256"],
      allowListed: false,
      reachable: true,
      onboarded: false,
      active: false,
      accepted: [],
      pinned: "d::1",
      storedDomainId: undefined,
      log: [],
    };
    expect(await connect(world, never)).toMatchObject({
      phase: "refused",
      at: "onboarding",
      refusal: { kind: "not-active" },
    });
    world.allowListed = true;
    expect(await connect(world, never)).toMatchObject({ phase: "active", domainId: "d::1" });
    world.log = [];
    expect(await connect(world, never)).toMatchObject({ phase: "active" });
    expect(world.log).not.toContain("request-onboarding");
  });

  test("an event that answers another question is a defect", () => {
    const state = begin({ pinnedDomainId: undefined, domainId: undefined, acceptedAgreements: [], abilities });
    expect(effectOf(state)).toEqual({ do: "read-agreement" });
    expect(() => decide(state, { event: "activated" })).toThrow(/phase agreement cannot be told activated/);
  });

  test("what only a person can settle is not retried", () => {
    expect(retryable({ kind: "domain-id-mismatch", expected: "a", observed: "b" })).toBe(false);
    expect(retryable({ kind: "unreachable", reason: "" })).toBe(true);
  });
});
