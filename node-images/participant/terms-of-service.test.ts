import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withClient } from "@pulumi-canton/domain-manager/testing/admin.ts";
import { DomainServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/domain/admin/v0/domain_service.ts";
import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import { call } from "@pulumi-canton/runtime/grpc-client.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  confirmAgreement,
  connectAgain,
  connectedDomains,
  connection,
  connectTo,
  deadlineMs,
  enableParty,
  PermissionedDomain,
  partiesOf,
  register,
  uidOf,
} from "./testing/permissioned-domain.ts";
import { refusalOf } from "./testing/served.ts";
import { startTestParticipant } from "./testing/test-participant.ts";

const waiting = { timeout: 20_000 };

let folder: string;
let domain: PermissionedDomain;

/** A file with a text of terms. */
async function textFile(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "terms-"));
  const settings = { termsOfService: { id: "terms-1", textFile: await textFile("1.txt", "Be kind.") } };
  domain = await PermissionedDomain.start(2, { settings });
});

afterAll(async () => {
  await domain?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function participant(name: string) {
  const { storage } = await domain.database();
  const node = await startTestParticipant({ name, storage });
  await domain.set(await uidOf(node), "Submission");
  return node;
}

const acceptances = () =>
  withClient(DomainServiceClient, domain.adminPort, async (client) => {
    const { acceptances: all } = await call(client, "listServiceAgreementAcceptances", {}, { deadlineMs });
    return all.map(({ agreementId, participantId, signature, timestamp }) => {
      expect(signature?.signature.length).toBeGreaterThan(0);
      expect(Number(timestamp?.seconds)).toBeGreaterThan(Date.now() / 1000 - 600);
      return [agreementId, participantId];
    });
  });

test("onboarding step 3: terms of service are shown, nothing works before they are accepted, and the domain has the evidence", async () => {
  await using alice = await participant("alice");
  const member = `PAR::${await uidOf(alice)}`;
  const client = alice.admin(DomainConnectivityServiceClient);
  await register(alice, connection(domain));
  expect(await call(client, "getAgreement", { domainAlias: "mydomain" }, { deadlineMs })).toEqual({
    domainId: domain.domainId,
    agreement: { id: "terms-1", text: "Be kind." },
    accepted: false,
  });
  expect(await refusalOf(connectAgain(alice))).toMatchObject({
    reason: "SERVICE_AGREEMENT_ACCEPTANCE_FAILED",
    category: 9,
    metadata: { reason: expect.stringContaining("AcceptAgreement") },
  });
  expect(await acceptances()).toEqual([]);
  expect(await confirmAgreement(alice)).toBe("terms-1");
  expect(await confirmAgreement(alice)).toBeUndefined();
  expect(await connectAgain(alice)).toBe(true);
  expect(await acceptances()).toEqual([["terms-1", member]]);
});

test("onboarding step 3: changed terms, under a new id or only in their text, have to be accepted again, by who is connected too", async () => {
  await using bob = await participant("bob");
  const member = `PAR::${await uidOf(bob)}`;
  await connectTo(bob, connection(domain));
  const changes = [
    { id: "terms-1", textFile: await textFile("1b.txt", "Be very kind.") },
    { id: "terms-2", textFile: await textFile("2.txt", "Be very kind.") },
  ];
  for (const termsOfService of changes) {
    await domain.withoutSequencers(async () => undefined, { termsOfService });
    // It was connected, and is so no more: its search for a way back ends with the terms.
    await expect.poll(() => connectedDomains(bob), waiting).toEqual([]);
    const refused = async () => (await refusalOf(connectAgain(bob))).metadata.reason;
    await expect.poll(refused, waiting).toContain(`has new terms of service, '${termsOfService.id}'`);
    expect(await confirmAgreement(bob)).toBe(termsOfService.id);
    expect(await connectAgain(bob)).toBe(true);
    const party = await enableParty(bob, `Bob${changes.indexOf(termsOfService)}`);
    await expect.poll(async () => (await partiesOf(bob)).get(party), waiting).toBe(true);
  }
  const ofBob = (await acceptances()).filter(([, who]) => who === member);
  expect(ofBob.map(([id]) => id)).toEqual(["terms-1", "terms-1", "terms-2"]);
});
