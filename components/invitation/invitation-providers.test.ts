/** Both sides of an invitation as resources, with a real domain manager between them. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PermissionedDomain } from "@pulumi-canton/participant/testing/permissioned-domain.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { loopback } from "../topology/testing/real-nodes.ts";
import { provider as accepted } from "./accepted-provider.ts";
import { provider as invitation } from "./provider.ts";

let domain: PermissionedDomain;
let home: string;

beforeAll(async () => {
  domain = await PermissionedDomain.start(1);
  home = await mkdtemp(join(tmpdir(), "pulumi-canton-"));
  await writeFile(join(home, "ca.crt"), "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n");
});

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
  await domain?.[Symbol.asyncDispose]();
});

function inputs(changes: Record<string, unknown> = {}) {
  return {
    domainManager: loopback(domain.adminPort),
    domainId: domain.domainId,
    alias: "mydomain",
    sequencers: [{ alias: "sequencer1", url: "https://10.0.0.5:5001", caFile: join(home, "ca.crt") }],
    validDays: 1,
    ...changes,
  };
}

test("an invitation is given out, stays as it is, and is renewed when it has expired or its sequencers have moved", async () => {
  const { id, outs } = await invitation.create(inputs());
  expect(await invitation.read(id, outs)).toEqual({ id, props: outs, inputs: inputs() });
  expect(await invitation.diff(id, outs, inputs())).toMatchObject({ changes: false });
  const expired = { ...outs, expires: new Date(0).toUTCString() };
  expect((await invitation.read(id, expired)).props).toMatchObject({
    drift: expect.stringContaining("expired on Thu, 01 Jan 1970"),
  });
  const cut = { ...outs, invitation: String(outs["invitation"]).replace("10.0.0.5", "10.0.0.6") };
  expect((await invitation.read(id, cut)).props?.["drift"]).toContain("changed after the owner");
  const moved = inputs({ sequencers: [{ alias: "sequencer1", url: "http://10.0.0.9:5001" }] });
  expect(await invitation.diff(id, outs, moved)).toMatchObject({ changes: true, replaces: [] });
  expect((await invitation.update(id, outs, moved)).outs["invitation"]).toContain("10.0.0.9");
  expect(await invitation.check({}, inputs({ validDays: 0 }))).toMatchObject({
    failures: [{ property: "validDays", reason: "got 0; expected whole days, 1 to 366" }],
  });
});

test("it is taken up with the certificates that it brings, on whichever machine", async () => {
  const { outs: given } = await invitation.create(inputs());
  const mine = { invitation: given["invitation"], domainId: domain.domainId };
  expect(await accepted.check({}, mine)).toMatchObject({ failures: [] });
  const { id, outs } = await accepted.create(mine);
  const ca = readFileSync(join(home, "ca.crt"), "utf8");
  expect(outs).toMatchObject({
    invitedTo: domain.domainId,
    alias: "mydomain",
    sequencers: [{ alias: "sequencer1", url: "https://10.0.0.5:5001", ca }],
  });
  expect(await accepted.read(id, outs)).toEqual({ id, props: outs, inputs: mine });
  await accepted.delete(id, outs);
});

test("one of another domain, changed, or expired is refused before anything is done; one taken up in time stays good", async () => {
  const { outs } = await invitation.create(inputs());
  const mine = { invitation: String(outs["invitation"]) };
  const reasonOf = async (news: Record<string, unknown>, olds: Record<string, unknown> = {}) =>
    (await accepted.check(olds, news)).failures[0]?.reason;
  expect(await reasonOf({ ...mine, domainId: "mydomain::1220aa" })).toMatch(
    /it is to the domain mydomain::1220\w+; expected mydomain::1220aa/,
  );
  expect(await reasonOf({ ...mine, invitation: mine.invitation.replace("10.0.0.5", "10.0.0.6") })).toContain(
    "changed after",
  );
  expect(await reasonOf({ ...mine, invitation: "{" })).toContain("expected the JSON text");
  vi.useFakeTimers({ now: Date.now() + 2 * 86_400_000, toFake: ["Date"] });
  try {
    expect(await reasonOf(mine)).toMatch(/it expired on .* GMT: ask the owner of mydomain::1220\w+ for a new one/);
    expect(await reasonOf(mine, mine)).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});
