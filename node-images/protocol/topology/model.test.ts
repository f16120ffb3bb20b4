import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TopologyModel } from "../testing/topology-model.ts";
import { effectOf, type Submission, stepDomain, submissions } from "../testing/topology-steps.ts";
import { decide, REJECTION_REASONS } from "./decide.ts";
import { TopologyState } from "./topology-state.ts";
import type { SignedTopologyTransaction } from "./transaction.ts";

/** Property tests take seconds on a busy machine. */
const propertyTimeout = { timeout: 120_000 };

const domainId = stepDomain;

/** Holds `decide` against the model along one sequence; tells the outcome of every step. */
function compareWithModel(chosen: Submission[], tell: (outcome: string) => void = () => {}): void {
  const model = new TopologyModel(domainId);
  let state = TopologyState.empty;
  for (const { tx, force, forged } of chosen) {
    const decision = decide(state, tx, { force, domainId });
    const outcome = decision.accepted ? "accepted" : decision.reason;
    expect(outcome).toBe(model.submit(tx, { force, forged }));
    if (decision.accepted) state = decision.state;
    expect(state.size).toBe(model.active.length);
    tell(outcome);
  }
  expect(effectOf(state)).toEqual(model.effect());
}

describe("for any sequence of transactions by several owners", propertyTimeout, () => {
  it("every outcome is that of a plain model, and so is what follows from the state", () => {
    fc.assert(fc.property(submissions(), (chosen) => compareWithModel(chosen)));
  });

  it("every outcome comes up", () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(submissions(), (chosen) => compareWithModel(chosen, (name) => outcomes.add(name))),
      // Always the same sequences: what is asked here is whether they are worth something, not luck.
      { numRuns: 150, seed: 1 },
    );
    expect([...outcomes].toSorted()).toEqual([...REJECTION_REASONS, "accepted"].toSorted());
  });

  it("what is refused leaves no trace: without it all else is accepted and gives the same state", () => {
    fc.assert(
      fc.property(submissions(), (chosen) => {
        let state = TopologyState.empty;
        const accepted: SignedTopologyTransaction[] = [];
        for (const { tx, force } of chosen) {
          const before = state.fingerprint();
          const decision = decide(state, tx, { force });
          if (decision.accepted) {
            accepted.push(tx);
            state = decision.state;
          } else {
            expect(decide(state, tx, { force })).toEqual(decision);
            expect(state.fingerprint()).toBe(before);
          }
        }
        let again = TopologyState.empty;
        for (const tx of accepted) {
          const decision = decide(again, tx, { force: true });
          if (!decision.accepted) throw new Error(`${decision.reason}: ${decision.message}`);
          again = decision.state;
        }
        expect(again.fingerprint()).toBe(state.fingerprint());
        expect(TopologyState.replay(accepted).fingerprint()).toBe(state.fingerprint());
        expect([...again.transactions()]).toEqual([...state.transactions()]);
      }),
      { numRuns: 100 },
    );
  });

  it("in any other order nothing gets in that its state does not authorise", () => {
    const shuffled = submissions().chain((played) => fc.shuffledSubarray(played, { minLength: played.length }));
    fc.assert(
      fc.property(shuffled, (played) => {
        const model = new TopologyModel(domainId);
        let state = TopologyState.empty;
        for (const { tx, forged } of played) {
          const decision = decide(state, tx, { force: true, domainId });
          expect(decision.accepted ? "accepted" : decision.reason).toBe(model.submit(tx, { force: true, forged }));
          if (decision.accepted) {
            // Authorised by the state that it came into, not by what came later.
            expect(state.mayAuthorize(tx.key.id, tx.transaction.mapping)).toBe(true);
            state = decision.state;
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("earlier states do not change when later ones are made", () => {
    fc.assert(
      fc.property(submissions(), (chosen) => {
        let state = TopologyState.empty;
        const history: [TopologyState, SignedTopologyTransaction[]][] = [];
        for (const { tx, force } of chosen) {
          const decision = decide(state, tx, { force });
          if (decision.accepted) state = decision.state;
          history.push([state, [...state.transactions()]]);
        }
        for (const [then, transactions] of history) expect([...then.transactions()]).toEqual(transactions);
      }),
      { numRuns: 50 },
    );
  });
});
