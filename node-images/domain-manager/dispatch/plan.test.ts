import fc from "fast-check";
import { expect, test } from "vitest";
import { afterSend, type BatchLimits, type DispatchState, type LogEntry, nextSend, type PlannedSend } from "./plan.ts";

const domainMembers = ["SEQ", "MED", "DOM"];
const participants = ["PAR::a", "PAR::b", "PAR::c"];

/** What an authorisation does to one participant, or an entry that changes nobody's activity. */
type Accept = { readonly toggle: string; readonly size: number } | { readonly size: number };

const accept: fc.Arbitrary<Accept> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ size: fc.integer({ min: 1, max: 60 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ toggle: fc.constantFrom(...participants), size: fc.integer({ min: 1, max: 60 }) }),
  },
);

/** What happens to one attempt to send: where the process dies, or that it goes through. */
const fate = fc.constantFrom(
  "ok" as const,
  "ok" as const,
  "dies before the plan is stored" as const,
  "dies before it is sent" as const,
  "dies before it is known to be sequenced" as const,
);

/** A sequencer that gives every recipient the message once, however often it is sent under one id. */
class ModelSequencer {
  readonly received = new Map<string, LogEntry[]>();
  readonly #seen = new Set<string>();

  send(id: string, recipients: readonly string[], entries: readonly LogEntry[]): void {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    for (const member of recipients) {
      this.received.set(member, [...(this.received.get(member) ?? []), ...entries]);
    }
  }
}

/** {@link nextSend} over a log that is wholly at hand. */
function next(state: DispatchState, log: readonly LogEntry[], limits?: BatchLimits) {
  return nextSend(
    state,
    log.filter((e) => e.position > state.dispatched),
    async (after, upTo, limit) => log.filter((e) => e.position > after && e.position <= upTo).slice(0, limit),
    limits,
  );
}

const limits: BatchLimits = { transactions: 4, bytes: 100 };

test("any authorisations and any crashes: everybody receives the whole log in order, once, before becoming active", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(accept, fate), { maxLength: 80, size: "max" }),
      fc.integer({ min: 0, max: 3 }),
      async (script, snapshotLength) => {
        const log: LogEntry[] = [];
        const sequencer = new ModelSequencer();
        const authorise = (step: Accept) => {
          const active = new Set(log.at(-1)?.activeAfter ?? []);
          if ("toggle" in step && !active.delete(step.toggle)) active.add(step.toggle);
          // Positions with holes, as a database sequence leaves them behind an aborted transaction.
          log.push({ position: BigInt(log.length * 3 + 1), size: step.size, activeAfter: active });
        };
        // The bootstrap snapshot: entries that nobody receives through the sequencer but participants.
        for (let i = 0; i < snapshotLength; i++) authorise({ size: 1 });
        let stored: DispatchState = {
          dispatched: log.at(-1)?.position ?? 0n,
          active: new Set(),
          watermarks: new Map(),
        };
        const base = stored.dispatched;
        let pending: PlannedSend | undefined;

        const step = async (how: typeof fate extends fc.Arbitrary<infer T> ? T : never) => {
          if (pending === undefined) {
            const planned = await next(stored, log, limits);
            if (planned === undefined) return false;
            if (how === "dies before the plan is stored") return true;
            pending = planned;
          }
          if (how === "dies before it is sent") return true;
          const entries = log.filter((e) => e.position > pending!.after && e.position <= pending!.upTo);
          const recipients = [...(pending.catchUp === undefined ? domainMembers : []), ...pending.participants];
          sequencer.send(`${pending.catchUp ?? "all"}-${pending.after}-${pending.upTo}`, recipients, entries);
          if (how === "dies before it is known to be sequenced") return true;
          stored = afterSend(stored, pending, entries.at(-1)!.activeAfter);
          pending = undefined;
          return true;
        };
        for (const action of script) {
          if (typeof action === "string") await step(action);
          else authorise(action);
        }
        while (await step("ok")) {
          // until everything is dispatched
        }

        const all = log.map((e) => e.position);
        for (const member of domainMembers) {
          expect(sequencer.received.get(member)?.map((e) => e.position) ?? []).toEqual(all.filter((p) => p > base));
        }
        for (const participant of participants) {
          const received = sequencer.received.get(participant)?.map((e) => e.position) ?? [];
          // Complete up to the last entry it was entitled to: the end if active, else the one that deactivated it.
          const lastEntitled = log.findLastIndex(
            (e, i) => e.activeAfter.has(participant) || (log[i - 1]?.activeAfter.has(participant) ?? false),
          );
          expect(received).toEqual(all.slice(0, lastEntitled + 1));
        }
        expect(await next(stored, log, limits)).toBeUndefined();
      },
    ),
    { numRuns: 400 },
  );
});

const entry = (position: number, active: string[] = [], size = 10): LogEntry => ({
  position: BigInt(position),
  size,
  activeAfter: new Set(active),
});
const start: DispatchState = { dispatched: 0n, active: new Set(), watermarks: new Map() };

test("a new participant: its keys to the others, all it missed to it alone, then the activation to all", async () => {
  const log = [entry(1), entry(2), entry(3, ["PAR::a"]), entry(4, ["PAR::a"])];
  const keys = await next(start, log);
  expect(keys).toEqual({ participants: [], after: 0n, upTo: 2n });
  const afterKeys = afterSend(start, keys!, new Set());
  const catchUp = await next(afterKeys, log);
  expect(catchUp).toEqual({ catchUp: "PAR::a", participants: ["PAR::a"], after: 0n, upTo: 2n });
  const caughtUp = afterSend(afterKeys, catchUp!, new Set());
  expect(await next(caughtUp, log)).toEqual({ participants: ["PAR::a"], after: 2n, upTo: 4n });
});

test("disabling reaches the participant, nothing later does, and enabling sends exactly what lies between", async () => {
  const active: DispatchState = { dispatched: 3n, active: new Set(["PAR::a"]), watermarks: new Map() };
  const log = [entry(1), entry(2), entry(3, ["PAR::a"]), entry(4), entry(5), entry(6), entry(7, ["PAR::a"])];
  const disabling = await next(active, log);
  expect(disabling).toEqual({ participants: ["PAR::a"], after: 3n, upTo: 4n });
  const disabled = afterSend(active, disabling!, new Set());
  expect(disabled.watermarks.get("PAR::a")).toBe(4n);
  const others = await next(disabled, log);
  expect(others).toEqual({ participants: [], after: 4n, upTo: 6n });
  const enabling = await next(afterSend(disabled, others!, new Set()), log);
  expect(enabling).toEqual({ catchUp: "PAR::a", participants: ["PAR::a"], after: 4n, upTo: 6n });
});

test("a replaced permission (removed and added) travels in one message", async () => {
  const active: DispatchState = { dispatched: 1n, active: new Set(["PAR::a"]), watermarks: new Map() };
  const log = [entry(2, []), entry(3, ["PAR::a"])];
  expect(await next(active, log)).toEqual({ participants: ["PAR::a"], after: 1n, upTo: 3n });
});

test("messages keep to the limits, and an entry above the limit travels alone", async () => {
  const log = [entry(1, [], 60), entry(2, [], 60), entry(3, [], 500)];
  const first = await next(start, log, limits);
  expect(first?.upTo).toBe(1n);
  const second = await next({ ...start, dispatched: 1n }, log, limits);
  expect(second?.upTo).toBe(2n);
  const third = await next({ ...start, dispatched: 2n }, log, limits);
  expect(third?.upTo).toBe(3n);
});
