import { existsSync, readFileSync } from "node:fs";
import { generateSigningKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { defaultDynamicDomainParameters } from "@pulumi-canton/protocol/domain-parameters.ts";
import { MESSAGE_PROBLEMS } from "@pulumi-canton/protocol/envelope/domain-topology-message.ts";
import { allAttacks, attackedDomain, RULES_OF_MANAGERS } from "@pulumi-canton/protocol/testing/attacks.ts";
import type { RequestSide } from "@pulumi-canton/protocol/topology/change.ts";
import { REJECTION_REASONS } from "@pulumi-canton/protocol/topology/decide.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import {
  addition,
  encodeSignedTransaction,
  type SignedTopologyTransaction,
  signTransaction,
} from "@pulumi-canton/protocol/topology/transaction.ts";
import { expect, test } from "vitest";
import { type DomainRules, decideRequest } from "./decide-request.ts";
import { MAX_TRANSACTIONS, type OnboardingPolicy, REQUEST_RULES, type RequestRule } from "./judge.ts";
import type { AnswerableRequest } from "./read-request.ts";

const domainKey = generateSigningKeyPair();
const domainId = `mydomain::${domainKey.publicKey.id}`;
const add = (mapping: TopologyMapping, pair: SigningKeyPair) => signTransaction(addition(mapping), pair);
const rootOf = (pair: SigningKeyPair) =>
  add(
    {
      kind: "NamespaceDelegation",
      namespace: pair.publicKey.id,
      targetKey: pair.publicKey,
      isRootDelegation: true,
    },
    pair,
  );
const keyOf = (owner: string, pair: SigningKeyPair) =>
  add({ kind: "OwnerToKeyMapping", owner, key: { purpose: "signing", key: pair.publicKey } }, pair);
const stateOf = (side: RequestSide, participant: string, pair: SigningKeyPair, domain = domainId) =>
  add({ kind: "ParticipantState", side, domain, participant, permission: "Submission", trustLevel: "Ordinary" }, pair);

const attacked = attackedDomain(domainId, domainKey);
const { participant, participantKey } = attacked;
const before = TopologyState.replay([rootOf(domainKey), ...attacked.history]);
const rules = (policy: OnboardingPolicy = "permissioned"): DomainRules => ({
  domainId,
  policy,
  admit: async (mapping) => add(mapping, domainKey),
});
const request = (
  transactions: readonly (SignedTopologyTransaction | Buffer)[],
  over: Partial<AnswerableRequest> = {},
): AnswerableRequest => ({
  requestId: "1",
  requestedBy: participant,
  participant,
  domainId,
  transactions: transactions.map((tx) => (Buffer.isBuffer(tx) ? tx : encodeSignedTransaction(tx))),
  ...over,
});

const receivable = allAttacks(attacked).filter(({ rule }) => !RULES_OF_MANAGERS.includes(rule));

test.each(receivable)("a participant that is on the domain gets nowhere with what is $kind: $what", async ({ tx }) => {
  const decision = await decideRequest(request([tx]), before, rules());
  expect(decision).toMatchObject({ append: [], state: before });
  expect(decision.results[0]?.state).not.toBe("ACCEPTED");
  expect(decision.results[0]?.errorMessage).toContain(participant);
});

test.each(receivable)("nor does a newcomer, even on an open domain: $what", async ({ tx }) => {
  const key = generateSigningKeyPair();
  const newcomer = `PAR::new::${key.publicKey.id}`;
  const proper = [rootOf(key), keyOf(newcomer, key), stateOf("To", newcomer, key)];
  const asked = request([...proper, tx], { requestedBy: "UNM::x::y", participant: newcomer });
  const { append } = await decideRequest(asked, before, rules("open"));
  expect(append).not.toContainEqual(tx);
});

// ── what only the request service refuses ─────────────────────────────────────────────────────────────────────────

const stranger = generateSigningKeyPair();
const newKey = generateSigningKeyPair();
const newcomer = `PAR::bob::${newKey.publicKey.id}`;
const proper = [rootOf(newKey), keyOf(newcomer, newKey), stateOf("To", newcomer, newKey)];
const onboarding = (transactions: readonly (SignedTopologyTransaction | Buffer)[], over?: Partial<AnswerableRequest>) =>
  request(transactions, { requestedBy: "UNM::x::y", participant: newcomer, ...over });
const party = add(
  {
    kind: "PartyToParticipant",
    side: "Both",
    party: `p::${participantKey.publicKey.id}`,
    participant,
    permission: "Submission",
  },
  participantKey,
);
const set = (side: RequestSide, permission: "Submission" | "Disabled", who: string) =>
  add(
    { kind: "ParticipantState", side, domain: domainId, participant: who, permission, trustLevel: "Ordinary" },
    domainKey,
  );
const disabled = before.apply(set("From", "Disabled", participant));
const invited = before.apply(set("From", "Submission", newcomer));

/** Every rule with requests that it has to refuse: one that is added without does not compile. */
const requests: Record<
  RequestRule,
  readonly [what: string, asked: AnswerableRequest, state?: TopologyState, policy?: OnboardingPolicy][]
> = {
  REQUEST_FOR_OTHER_DOMAIN: [
    ["replayed from another domain", request([party], { domainId: `x::${domainKey.publicKey.id}` })],
    ["an onboarding replayed from another domain", onboarding(proper, { domainId: `x::${domainKey.publicKey.id}` })],
  ],
  TOO_MANY_TRANSACTIONS: [["one more than is taken", request(Array(MAX_TRANSACTIONS + 1).fill(party))]],
  PARTICIPANT_DISABLED: [
    ["a participant that was disabled", request([party]), disabled],
    ["its onboarding again", onboarding(proper, { participant }), disabled],
    ["its onboarding again on an open domain", onboarding(proper, { participant }), disabled, "open"],
  ],
  NOT_ON_ALLOW_LIST: [["a participant that nobody admitted", onboarding(proper)]],
  ON_BEHALF_OF_OTHER: [["one participant for another", request([party], { requestedBy: newcomer })]],
  PARTICIPANT_NOT_ACTIVE: [["admitted, but not on the domain", request([party], over(newcomer)), invited]],
  UNREADABLE_TRANSACTION: [
    ["no transaction", request([Buffer.from("?")])],
    ["bytes behind a transaction", request([Buffer.concat([encodeSignedTransaction(party), Buffer.from("x")])])],
    ["an onboarding with one of them", onboarding([...proper, Buffer.alloc(0)]), invited],
  ],
  KEY_OF_DOMAIN_NODE: [
    ["a key for the sequencer", request([keyOf(`SEQ::${domainId}`, participantKey)])],
    ["a key for the domain manager", onboarding([...proper, keyOf(`DOM::${domainId}`, newKey)]), invited],
  ],
  KEY_OF_OTHER_PARTICIPANT: [["another's key with an onboarding", onboarding([keyOf(participant, newKey)]), invited]],
  STATE_ON_OTHER_DOMAIN: [
    [
      "a state on another domain",
      request([stateOf("To", participant, participantKey, `x::${domainKey.publicKey.id}`)]),
    ],
  ],
  STATE_OF_DOMAINS_SIDE: [
    ["admitting itself", request([stateOf("From", participant, participantKey)])],
    [
      "a captured admission by the domain",
      onboarding([...proper, set("From", "Submission", newcomer)]),
      before,
      "open",
    ],
  ],
  STATE_OF_OTHER_PARTICIPANT: [["another's state", request([stateOf("To", newcomer, newKey)])]],
  NOT_ON_DOMAIN_YET: [["a party before it is on the domain", onboarding([...proper, party]), invited]],
  DOMAIN_GOVERNANCE: [
    [
      "the domain's parameters",
      request([
        add(
          { kind: "DomainParametersChange", domain: domainId, parameters: defaultDynamicDomainParameters() },
          domainKey,
        ),
      ]),
    ],
    [
      "a mediator",
      request([
        add(
          {
            kind: "MediatorDomainState",
            side: "Both",
            domain: domainId,
            mediator: participant.replace("PAR::", "MED::"),
          },
          participantKey,
        ),
      ]),
    ],
  ],
  LACKS_SIGNING_KEY: [["an onboarding without a key", onboarding(proper.toSpliced(1, 1)), invited]],
  LACKS_AGREEMENT: [["an onboarding without its agreement", onboarding(proper.slice(0, 2)), invited]],
  DELEGATION_IN_OTHER_NAMESPACE: [
    ["a namespace of anybody's with an onboarding", onboarding([...proper, rootOf(stranger)]), invited],
    // Its name is no secret, and it has all that an onboarding needs.
    ["a namespace of anybody's on behalf of who is on the domain", onboarding([rootOf(stranger)], { participant })],
    [
      "an identifier of anybody's on behalf of who is on the domain",
      onboarding(
        [
          add(
            { kind: "IdentifierDelegation", uid: `x::${stranger.publicKey.id}`, targetKey: stranger.publicKey },
            stranger,
          ),
        ],
        { participant },
      ),
    ],
  ],
};

function over(who: string): Partial<AnswerableRequest> {
  return { requestedBy: who, participant: who };
}

const listed = Object.entries(requests).flatMap(([rule, list]) =>
  list.map(([what, asked, state, policy]) => ({ rule, what, asked, state: state ?? before, policy })),
);

test.each(listed)("$rule refuses $what", async ({ rule, asked, state, policy }) => {
  const decision = await decideRequest(asked, state, rules(policy));
  expect(decision.results.map((result) => result.rule)).toContain(rule);
  expect(decision).toMatchObject({ append: [], state });
});

test("every rule is in the document, and has its attacks; every test that the document names is there", () => {
  const document = readFileSync(new URL("../../../docs/topology-state-machine.md", import.meta.url), "utf8");
  const rows = [...document.matchAll(/^\| R(\d+) +\| `([^`]+)` +\|.*\| ([^|]+?) +\|$/gm)];
  expect(rows.map(([, number]) => Number(number))).toEqual(rows.map((_row, index) => index + 1));
  const others = [
    "PROTO_DESERIALIZATION_FAILURE",
    "INCREASE_OF_LEDGER_TIME_RECORD_TIME_TOLERANCE",
    "INVALID_TOPOLOGY_SNAPSHOT",
    "TOPOLOGY_SNAPSHOT_DIFFERS",
  ];
  expect(rows.map(([, , rule]) => rule).toSorted()).toEqual(
    [...REJECTION_REASONS, ...MESSAGE_PROBLEMS, ...REQUEST_RULES, ...others].toSorted(),
  );
  for (const [row, , , tests] of rows) {
    const files = [...(tests ?? "").matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file]) => file as string);
    expect(files, row).not.toEqual([]);
    for (const file of files) {
      expect(existsSync(new URL(`../../../node-images/${file}`, import.meta.url)), file).toBe(true);
    }
  }
  for (const [rule, list] of Object.entries(requests)) expect(list, rule).not.toEqual([]);
});
