import { expect, test } from "vitest";
import { changesIn, describeChanges } from "./event-log.ts";

test("changes are read from the event log, however it ends", () => {
  const log = [
    '{"sequence":0,"preludeEvent":{}}',
    '{"sequence":1,"summaryEvent":{"resourceChanges":{"create":2,"same":1}}}',
    '{"sequence":2,"summaryEv',
  ].join("\n");
  expect(changesIn(log)).toEqual({ create: 2, same: 1 });
  expect(changesIn("")).toBeUndefined();
  expect(describeChanges({ same: 21 })).toBe("nothing to change");
  expect(describeChanges({ create: 2, update: 1, same: 3 })).toBe("2 created, 1 updated");
});
