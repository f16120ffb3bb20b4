import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generateEncryptionKeyPair, generateSigningKeyPair, type KeyPair, publicKeyOf } from "../crypto/key-pair.ts";
import type { KeyPurposeName } from "../crypto/public-key.ts";
import { defaultDynamicDomainParameters } from "../domain-parameters.ts";
import { decide } from "./decide.ts";
import {
  type InitialisationKey,
  type InitialisationState,
  type InitialisationStep,
  type InitialisationStepName,
  type InitialisedRole,
  initialisationProgress,
  missingStep,
  waitingForInitialisation,
} from "./initialisation-progress.ts";
import type { TopologyMapping } from "./mapping.ts";
import { TopologyState } from "./topology-state.ts";
import { addition, signTransaction } from "./transaction.ts";

// The same few keys for all runs: making them is what takes time.
const namespaceKey = generateSigningKeyPair();
const others: Record<KeyPurposeName, KeyPair> = {
  signing: generateSigningKeyPair(),
  encryption: generateEncryptionKeyPair(),
};
const peers = { SEQ: generateSigningKeyPair(), MED: generateSigningKeyPair() };
const namespace = namespaceKey.publicKey.id;
const uid = `node1::${namespace}`;

/** What an operator may call, whatever state the node is in. */
const calls = [
  "generate-identity-key",
  "generate-signing-key",
  "generate-encryption-key",
  "import-sequencer-key",
  "import-mediator-key",
  "init-id",
  "root",
  "map-signing",
  "map-encryption",
  "parameters",
  "map-DOM",
  "map-SEQ",
  "map-MED",
  "mediator-state",
  "connection",
] as const;
type Call = (typeof calls)[number];

/** A node as the rpcs change it: guarded by `missingStep`, then decided upon as a topology manager does. */
class Node {
  readonly role: InitialisedRole;
  uid: string | undefined;
  keys: InitialisationKey[] = [];
  topology = TopologyState.empty;
  sequencers: "given" | "awaited" = "awaited";

  constructor(role: InitialisedRole) {
    this.role = role;
  }

  get state(): InitialisationState {
    const { uid: id, keys, topology, sequencers } = this;
    return { uid: id, keys, topology, sequencers };
  }

  get progress() {
    return initialisationProgress(this.role, this.state);
  }

  /** @returns "done" (now or before), the step that is missing, or the key that is not known */
  call(name: Call): "done" | InitialisationStep | { readonly unknownKey: string } {
    switch (name) {
      case "generate-identity-key":
        return this.#know(namespaceKey, true);
      case "generate-signing-key":
        return this.#know(others.signing, true);
      case "generate-encryption-key":
        return this.#know(others.encryption, true);
      case "import-sequencer-key":
        return this.#know(peers.SEQ, false);
      case "import-mediator-key":
        return this.#know(peers.MED, false);
      case "init-id": {
        if (this.uid !== undefined) return "done";
        const missing = missingStep(this.role, this.state, { kind: "init-id", namespace });
        if (missing !== undefined) return missing;
        this.uid = uid;
        return "done";
      }
      case "connection":
        if (this.role === "domain-manager" && this.progress.next?.name === "sequencer-connection")
          this.sequencers = "given";
        return this.progress.next ?? "done";
      default:
        return this.#authorise(mappingOf(name));
    }
  }

  #know(pair: KeyPair, held: boolean): "done" {
    const fingerprint = pair.publicKey.id;
    if (!this.keys.some((key) => key.fingerprint === fingerprint))
      this.keys = [...this.keys, { fingerprint, purpose: pair.purpose, held }];
    return "done";
  }

  #authorise(mapping: TopologyMapping): ReturnType<Node["call"]> {
    const missing = missingStep(this.role, this.state, { kind: "authorize", mapping });
    if (missing !== undefined) return missing;
    if (this.topology.withMapping(mapping).length > 0) return "done";
    // PUBLIC_KEY_NOT_IN_STORE and NO_APPROPRIATE_SIGNING_KEY_IN_STORE name a key.
    const names = mapping.kind === "OwnerToKeyMapping" ? [mapping.key.key.id, namespace] : [namespace];
    const unknownKey = names.find((id) => !this.keys.some((key) => key.fingerprint === id));
    if (unknownKey !== undefined) return { unknownKey };
    const decision = decide(this.topology, signTransaction(addition(mapping), namespaceKey));
    if (!decision.accepted) throw new Error(`${mapping.kind}: ${decision.message}`);
    this.topology = decision.state;
    return "done";
  }
}

function mappingOf(name: Call): TopologyMapping {
  const keyed = (code: string, pair: KeyPair): TopologyMapping => ({
    kind: "OwnerToKeyMapping",
    owner: `${code}::${uid}`,
    key: publicKeyOf(pair),
  });
  switch (name) {
    case "root":
      return { kind: "NamespaceDelegation", namespace, targetKey: namespaceKey.publicKey, isRootDelegation: true };
    case "parameters":
      return { kind: "DomainParametersChange", domain: uid, parameters: defaultDynamicDomainParameters() };
    case "map-signing":
      return keyed("PAR", others.signing);
    case "map-encryption":
      return keyed("PAR", others.encryption);
    case "map-DOM":
      return keyed("DOM", others.signing);
    case "map-SEQ":
      return keyed("SEQ", peers.SEQ);
    case "map-MED":
      return keyed("MED", peers.MED);
    case "mediator-state":
      return { kind: "MediatorDomainState", side: "Both", domain: uid, mediator: `MED::${uid}` };
    default:
      throw new Error(`${name} is no mapping`);
  }
}

/** The calls that a step takes, as its text says. */
const callsOf: Record<InitialisationStepName, readonly Call[]> = {
  "identity-key": ["generate-identity-key"],
  "namespace-delegation": ["generate-identity-key", "root"],
  "init-id": ["generate-identity-key", "init-id"],
  "signing-key": ["generate-signing-key"],
  "encryption-key": ["generate-encryption-key"],
  "signing-key-mapping": ["generate-signing-key", "map-signing"],
  "encryption-key-mapping": ["generate-encryption-key", "map-encryption"],
  "domain-parameters": ["parameters"],
  "domain-manager-key-mapping": ["generate-signing-key", "map-DOM"],
  "sequencer-key-mapping": ["import-sequencer-key", "map-SEQ"],
  "mediator-key-mapping": ["import-mediator-key", "map-MED"],
  "mediator-domain-state": ["mediator-state"],
  "sequencer-connection": ["connection"],
};

const published: Record<InitialisedRole, readonly Call[]> = {
  participant: [
    "generate-identity-key",
    "root",
    "init-id",
    "generate-encryption-key",
    "generate-signing-key",
    "map-encryption",
    "map-signing",
  ],
  "domain-manager": [
    "generate-identity-key",
    "init-id",
    "root",
    "parameters",
    "generate-signing-key",
    "map-DOM",
    "import-sequencer-key",
    "map-SEQ",
    "import-mediator-key",
    "map-MED",
    "mediator-state",
    "connection",
  ],
};

const roles = ["participant", "domain-manager"] as const;

describe.each(roles)("the initialisation of a %s", (role) => {
  it("is complete after the published sequence, and not before its last call", () => {
    const node = new Node(role);
    for (const call of published[role]) {
      expect(node.progress.complete).toBe(false);
      expect(waitingForInitialisation(node.progress)).toMatch(
        /^waiting for initialisation: next step \(\d+ of \d+\): /,
      );
      expect(node.call(call)).toBe("done");
    }
    expect(node.progress.complete).toBe(true);
    expect(waitingForInitialisation(node.progress)).toBeUndefined();
  });

  it("whatever was called in whatever order: a refusal names a step that is missing, and the next steps lead to the end", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...calls), { maxLength: 25 }), (order) => {
        const node = new Node(role);
        const done = new Set<string>();
        for (const call of order) {
          // A participant may have mappings of domain entities signed; it is no step of its own initialisation.
          if (role === "participant" && /^(parameters|map-(DOM|SEQ|MED)|mediator-state)$/.test(call)) continue;
          if (role === "domain-manager" && /^map-(signing|encryption)$/.test(call)) continue;
          const outcome = node.call(call);
          const { steps } = node.progress;
          for (const step of steps) {
            if (step.done) done.add(step.name);
            else expect(done.has(step.name), `${step.name} is lost after ${call}`).toBe(false);
          }
          if (outcome === "done" || "unknownKey" in outcome) continue;
          const missing = steps.find(({ name }) => name === outcome.name);
          // Done with another key than the one asked for: then the message names that one.
          if (missing?.done) expect(outcome.what).toContain(namespace);
          else expect(missing?.done, `${call} misses ${outcome.name}`).toBe(false);
        }
        const { length } = node.progress.steps;
        for (let taken = 0; taken < length && node.progress.next !== undefined; taken += 1) {
          const { name } = node.progress.next;
          for (const call of callsOf[name]) node.call(call);
          expect(node.progress.steps.find((step) => step.name === name)?.done, name).toBe(true);
        }
        expect(node.progress.complete).toBe(true);
      }),
    );
  });
});

describe("missingStep", () => {
  it("lets a participant import what was signed elsewhere, root certificate first", () => {
    const node = new Node("participant");
    const add = (mapping: TopologyMapping) => missingStep("participant", node.state, { kind: "add", mapping })?.name;
    expect(add(mappingOf("map-signing"))).toBe("identity-key");
    expect(add(mappingOf("root"))).toBeUndefined();
    node.topology = node.topology.apply(signTransaction(addition(mappingOf("root")), namespaceKey));
    expect(add(mappingOf("map-signing"))).toBeUndefined();
    expect(node.progress.next?.name).toBe("init-id");
  });

  it("takes a mapping of a key that the node does not hold for none", () => {
    const node = new Node("participant");
    for (const call of published.participant) node.call(call);
    node.keys = node.keys.map((key) => ({ ...key, held: key.purpose === "encryption" }));
    expect(node.progress.next?.name).toBe("signing-key");
  });

  it("leaves the sequencers to a domain manager that has them in its configuration", () => {
    const node = new Node("domain-manager");
    for (const call of published["domain-manager"].slice(0, 6)) node.call(call);
    expect(node.progress.next?.name).toBe("sequencer-key-mapping");
    const configured = initialisationProgress("domain-manager", { ...node.state, sequencers: "configured" });
    expect(configured.complete).toBe(true);
  });
});
