import {
  ParticipantPermission,
  RequestSide,
  TrustLevel,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { participantsFrom, type Statement } from "./participants.ts";

const { From, To, Both } = RequestSide;
const { Submission, Observation, Disabled } = ParticipantPermission;

function statement(
  side: RequestSide,
  permission: ParticipantPermission,
  participant = "PAR::alice::1220aa",
): Statement {
  return { side, participant, permission, trustLevel: TrustLevel.Ordinary };
}

describe("participantsFrom", () => {
  test("one that is only on the allow-list is allowed and not active", () => {
    expect(participantsFrom([statement(From, Submission)])).toMatchObject([{ allowed: true, active: false }]);
  });

  test("one that nobody allowed is neither", () => {
    expect(participantsFrom([statement(To, Submission)])).toMatchObject([{ allowed: false, active: false }]);
  });

  test("the lesser permission of both sides holds", () => {
    expect(participantsFrom([statement(From, Observation), statement(To, Submission)])).toMatchObject([
      { permission: "Observation", allowed: true, active: true },
    ]);
  });

  test("a disabled one is neither allowed nor active", () => {
    expect(participantsFrom([statement(From, Disabled), statement(To, Submission)])).toMatchObject([
      { permission: "Disabled", allowed: false, active: false },
    ]);
  });

  test("the order in which statements are listed does not matter", () => {
    const statements = fc.array(
      fc
        .record({
          side: fc.constantFrom(From, To, Both),
          permission: fc.constantFrom(Submission, Observation, Disabled),
          participant: fc.constantFrom("PAR::a::1220", "PAR::b::1220"),
        })
        .map(({ side, permission, participant }) => statement(side, permission, participant)),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(statements, (given) => {
        expect(participantsFrom(given.toReversed())).toEqual(participantsFrom(given));
      }),
    );
  });
});
