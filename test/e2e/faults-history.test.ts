import { describe, expect, test } from "vitest";
import { type Delivery, problemsIn, type Sent, type Stream } from "./faults-history.ts";

function delivery(counter: number, messages: string[] = [], timestamp = 100 + counter): Delivery {
  return { counter: BigInt(counter), timestamp: BigInt(timestamp), digest: `${timestamp} ${messages}`, messages };
}

function stream(member: string, from: string, ...deliveries: Delivery[]): Stream {
  return { member, from, deliveries };
}

const toBoth: Sent = { id: "m", recipients: ["A", "B"], acknowledged: 101n };
const good = [
  stream("A", "sequencer1", delivery(0), delivery(1, ["m"])),
  stream("A", "sequencer2", delivery(0), delivery(1, ["m"])),
  stream("B", "sequencer1", delivery(0, ["m"], 101)),
];

describe("the checker of recorded histories", () => {
  test("finds nothing in a history that is right", () => {
    expect(problemsIn(good, [toBoth])).toEqual([]);
  });

  test.each<[string, Stream[], Sent[]]>([
    ["a gap", [stream("A", "s", delivery(0), delivery(2))], []],
    ["a repeat", [stream("A", "s", delivery(0), delivery(0))], []],
    ["a first event that is not the first", [stream("A", "s", delivery(1))], []],
    ["time that goes back", [stream("A", "s", delivery(0, [], 9), delivery(1, [], 9))], []],
    [
      "sequencers that disagree",
      [stream("A", "s", delivery(0, ["m"], 101)), stream("A", "t", delivery(0, [], 101))],
      [{ ...toBoth, recipients: ["A"], acknowledged: undefined }],
    ],
    ["an acknowledged message that is lost", [stream("A", "s", delivery(0))], [{ ...toBoth, recipients: ["A"] }]],
    [
      "a message twice",
      [stream("A", "s", delivery(0, ["m"]), delivery(1, ["m"]))],
      [{ ...toBoth, recipients: ["A"], acknowledged: undefined }],
    ],
    ["another time than the one acknowledged", good, [{ ...toBoth, acknowledged: 102n }]],
    [
      "a message that only one has",
      [stream("A", "s", delivery(0, ["m"])), stream("B", "s", delivery(0))],
      [{ ...toBoth, acknowledged: undefined }],
    ],
    ["a message for others", good, [{ ...toBoth, recipients: ["A"] }]],
    ["a message that nobody sent", good, []],
  ])("finds %s", (_, streams, sent) => {
    expect(problemsIn(streams, sent)).not.toEqual([]);
  });
});
