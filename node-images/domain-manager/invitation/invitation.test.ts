/** Invitations as a real domain manager signs them, and all that must not pass for one. */
import { InvitationServiceClient } from "@pulumi-canton/protocol/gen/pulumicanton/admin/v1/invitation_service.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deadlineMs, idle, withClient } from "../testing/admin.ts";
import { TestDomain } from "../testing/test-domain.ts";
import { canonicalBytes, type Invitation, type SignedInvitation } from "./invitation.ts";
import { verifyInvitation } from "./verify-invitation.ts";

const nodes = new TestDomain();
const other = new TestDomain();
const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
const never = new Date("2999-01-01").toUTCString();
let invitation: Invitation;
let signed: SignedInvitation;
let foreign: SignedInvitation;
let adminPort: number;

async function startDomain(domain: TestDomain): Promise<{ adminPort: number; domainId: string }> {
  const sequencers = [await domain.sequencer("sequencer1")];
  const manager = await domain.manager({ sequencers, mediators: [await domain.mediator("mediator1")] });
  return { adminPort: manager.adminPort, domainId: (await idle(manager.adminPort)).commonStatus?.uid ?? "" };
}

function invitationTo(domainId: string): Invitation {
  return {
    version: 1,
    domainId,
    alias: "mydomain",
    sequencers: [{ alias: "sequencer1", url: "http://127.0.0.1:5001" }],
    protocolVersion: 5,
    termsOfService: { id: "2026-01", sha256: "ab".repeat(32) },
    expires: inAnHour,
  };
}

function signAt(port: number, given: unknown): Promise<SignedInvitation> {
  return withClient(InvitationServiceClient, port, async (client) => {
    const request = { invitation: Buffer.from(JSON.stringify(given)) };
    const { topology, signature } = await call(client, "signInvitation", request, { deadlineMs });
    return {
      invitation: given as Invitation,
      topology: topology.map((each) => each.toString("base64")),
      signature: {
        signedBy: signature?.signedBy ?? "",
        signature: signature?.signature.toString("base64") ?? "",
      },
    };
  });
}

beforeAll(async () => {
  const [own, theirs] = await Promise.all([startDomain(nodes), startDomain(other)]);
  adminPort = own.adminPort;
  invitation = invitationTo(own.domainId);
  signed = await signAt(own.adminPort, invitation);
  foreign = await signAt(theirs.adminPort, invitationTo(theirs.domainId));
});

afterAll(async () => {
  await Promise.all([nodes[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
});

describe("an invitation", () => {
  test("is accepted as it was signed, reformatted, and of the domain that is expected", () => {
    const { domainId } = invitation;
    expect(verifyInvitation(signed, { domainId, now: Date.now() })).toEqual(invitation);
    expect(verifyInvitation(JSON.stringify(signed, null, 4))).toEqual(invitation);
    const reversed = Object.fromEntries(Object.entries(invitation).reverse());
    expect(verifyInvitation({ ...signed, invitation: reversed })).toEqual(invitation);
  });

  test("with any byte of any part changed is refused", () => {
    const text = JSON.stringify(signed);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom("a", "Z", "7", "/", " "), (at, character) => {
        fc.pre(text[at] !== character);
        const forged = text.slice(0, at) + character + text.slice(at + 1);
        let read: unknown;
        try {
          read = verifyInvitation(forged);
        } catch (error) {
          expect((error as Error).name).toBe("InvitationRefused");
          return;
        }
        // What is accepted says the very same: a space outside of a text, or padding bits of base64.
        expect(canonicalBytes(read as Invitation).equals(canonicalBytes(invitation))).toBe(true);
      }),
    );
  });

  test("to another address, without terms, or valid for longer than it was signed for, is refused", () => {
    const { termsOfService: _, ...withoutTerms } = invitation;
    const forged = [
      { ...invitation, sequencers: [{ alias: "sequencer1", url: "http://evil.example:5001" }] },
      withoutTerms,
      { ...invitation, expires: never },
    ];
    for (const each of forged) {
      expect(() => verifyInvitation({ ...signed, invitation: each })).toThrow(
        /changed after the owner of mydomain::1220/,
      );
    }
  });

  test("that another domain's manager signed is refused, whatever it claims", () => {
    expect(() => verifyInvitation({ ...foreign, invitation })).toThrow(/somebody else signed it/);
    expect(() => verifyInvitation({ ...signed, signature: foreign.signature })).toThrow(/somebody else signed it/);
    const mixed = { ...foreign, invitation, topology: [...signed.topology, ...foreign.topology] };
    expect(() => verifyInvitation(mixed)).toThrow(/somebody else signed it/);
    expect(() => verifyInvitation(foreign, { domainId: invitation.domainId })).toThrow(
      `it is to the domain ${foreign.invitation.domainId}; expected ${invitation.domainId}`,
    );
    expect(verifyInvitation(foreign)).toEqual(foreign.invitation);
  });

  test("without what chains its key to the domain is refused", () => {
    for (const missing of signed.topology.keys()) {
      const topology = signed.topology.filter((_, index) => index !== missing);
      expect(() => verifyInvitation({ ...signed, topology })).toThrow(/not accepted|somebody else signed it/);
    }
    expect(() => verifyInvitation({ ...signed, topology: [] })).toThrow(/topology/);
  });

  test("that has expired is refused, unless it was taken up before", () => {
    const now = Date.parse(inAnHour) + 1;
    expect(() => verifyInvitation(signed, { now })).toThrow(/it expired on .*: ask the owner of mydomain::1220/);
    expect(verifyInvitation(signed)).toEqual(invitation);
  });

  test("is not signed for another domain, nor for ever, nor with what is unknown", async () => {
    const wrong = [
      [{ ...invitation, domainId: foreign.invitation.domainId }, /it is to the domain mydomain::1220\w+, this is/],
      [{ ...invitation, expires: never }, /expected a time in the next 366 days/],
      [{ ...invitation, expires: "Wed, 01 Jan 2020 00:00:00 GMT" }, /expected a time in the next 366 days/],
      [{ ...invitation, note: "pay here" }, /note/],
      [{ ...invitation, expires: "Invalid Date" }, /expected a time such as/],
      [{ ...invitation, termsOfService: { id: "1\x1b[2K", sha256: "0".repeat(64) } }, /termsOfService\.id/],
      [{ ...invitation, sequencers: [{ alias: "a\nb", url: "https://a.example:1" }] }, /sequencers\[0\]\.alias/],
    ] as const;
    for (const [given, why] of wrong) await expect(signAt(adminPort, given)).rejects.toThrow(why);
  });
});
