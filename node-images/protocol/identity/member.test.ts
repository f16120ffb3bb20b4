import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../protocol-error.ts";
import { uid } from "../testing/arbitrary.ts";
import {
  domainManagerMember,
  mediatorMember,
  memberCode,
  memberNamespace,
  memberUid,
  newUnauthenticatedMember,
  parseMember,
  participantMember,
  sequencerMember,
  shortenMember,
} from "./member.ts";

const namespace = "122050f5924a5e6620316d0620189f098c2783a01a948018b9d371a3149beb3fc6ec";

describe("member", () => {
  it("is put together and taken apart", () => {
    fc.assert(
      fc.property(
        uid,
        fc.constantFrom(participantMember, sequencerMember, mediatorMember, domainManagerMember),
        (id, make) => {
          const text = make(id);
          expect(parseMember(text)).toEqual({ code: memberCode(text), uid: id });
          expect(memberUid(text)).toBe(id);
          expect(id.endsWith(`::${memberNamespace(text)}`)).toBe(true);
        },
      ),
    );
  });

  it("may be unauthenticated, and then is new every time", () => {
    const one = newUnauthenticatedMember();
    expect(parseMember(one).code).toBe("UNM");
    expect(newUnauthenticatedMember()).not.toBe(one);
  });

  it.each([
    ["PAR-bad", "Invalid keyOwner `PAR-bad`, expecting <three-letter-code>::id::fingerprint."],
    [`participant1::${namespace}`, `Expected delimiter :: after three letter code of \`participant1::${namespace}\``],
    [`XYZ::participant1::${namespace}`, `Unknown three letter type XYZ in \`XYZ::participant1::${namespace}\``],
    ["PAR::Bob", "Invalid unique identifier `Bob` with missing namespace."],
  ])("refuses %j as Canton does", (text, detail) => {
    expect(() => parseMember(text, "participant")).toThrow(ProtocolError);
    expect(() => parseMember(text, "participant")).toThrow(expect.objectContaining({ field: "participant", detail }));
  });

  it("refuses a member of another kind than the field takes", () => {
    expect(() => parseMember(`MED::a::${namespace}`, "participant", ["PAR"])).toThrow(
      /Accepted: PAR::<identifier>::<fingerprint>$/,
    );
  });

  it("is shortened as Canton shortens it", () => {
    expect(shortenMember(`PAR::participant1::${namespace}`)).toBe("PAR::participant1::122050f5924a...");
  });
});
