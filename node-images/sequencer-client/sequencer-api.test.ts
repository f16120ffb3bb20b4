import { SequencerServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/api/v0/sequencer_service.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sequencerService } from "./sequencer-api.ts";

const outcome = fc.record({
  sequencedAt: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  deliverError: fc.option(fc.string({ unit: "grapheme" }), { nil: undefined }),
});

test("the outcome of a send travels beside the published answer, and whoever does not know it reads the same answer", () => {
  fc.assert(
    fc.property(outcome, (given) => {
      const bytes = sequencerService.sendAsyncVersioned.responseSerialize({ error: undefined, outcome: given });
      expect(sequencerService.sendAsyncVersioned.responseDeserialize(bytes).outcome).toEqual(given);
      expect(SequencerServiceService.sendAsyncVersioned.responseDeserialize(bytes)).toEqual({ error: undefined });
    }),
  );
});

test("an answer without an outcome has none", () => {
  const error = { reason: { $case: "overloaded" as const, value: "too much" } };
  const bytes = SequencerServiceService.sendAsync.responseSerialize({ error });
  expect(sequencerService.sendAsync.responseDeserialize(bytes)).toEqual({ error, outcome: undefined });
});
