/**
 * Two organisations, two stacks with separate state: the owner of a domain invites, an application user joins. Whatever passes
 * between them passes as the text that a person would send.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ParticipantView } from "@pulumi-canton/console/commands/participants.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment, type Outcome } from "./deployment.ts";

const minutes = 60_000;

interface Bundle {
  invitation: { domainId: string; expires: string; termsOfService?: { id: string; sha256: string } };
}

describe("two organisations", { timeout: 2 * minutes }, () => {
  let owner: Deployment;
  let user: Deployment;
  let bundle: Bundle;
  let participantId: string;
  let termsFile: string;

  beforeAll(async () => {
    [owner, user] = await Promise.all([Deployment.of("local"), Deployment.of("application-user")]);
    termsFile = join(owner.home, "..", "terms.txt");
    await writeFile(termsFile, "Be kind.\nPay in time.\n");
  });
  afterAll(async () => {
    await Promise.all([owner.dispose(), user.dispose()]);
  }, 2 * minutes);

  function configureOwner(allowList: readonly string[], terms = "2026-01"): Promise<void> {
    return owner.write({
      domain: { alias: "mydomain", owner: "bob", sequencers: 1, termsOfService: { id: terms, textFile: termsFile } },
      participants: [{ name: "bob" }],
      allowList: ["bob", ...allowList].map((participant) => ({ participant })),
      invitation: { validDays: 7 },
    });
  }

  const termsNow = () => bundle.invitation.termsOfService;
  function configureUser(keys: Readonly<Record<string, unknown>> = {}): Promise<void> {
    return user.write({ participants: [{ name: "carol", parties: ["Carol"] }], invitation: bundle, ...keys });
  }

  async function up(deployment: Deployment): Promise<Outcome> {
    const outcome = await deployment.run("up");
    expect(outcome.code, outcome.text).toBe(0);
    return outcome;
  }

  test("the owner's stack gives out an invitation", async () => {
    await configureOwner([]);
    await up(owner);
    bundle = await owner.output<Bundle>("invitation");
    const sha256 = createHash("sha256").update("Be kind.\nPay in time.\n").digest("hex");
    expect(bundle.invitation).toMatchObject({ termsOfService: { id: "2026-01", sha256 } });
    expect(bundle.invitation.domainId).toMatch(/^mydomain::1220/);
  });

  test("one that was changed on its way is refused before anything is made", async () => {
    const forged = { ...bundle, invitation: { ...bundle.invitation, expires: new Date("2030-01-01").toUTCString() } };
    await user.write({ invitation: JSON.stringify(forged) });
    const changed = await user.run("up");
    expect(changed.code, changed.text).not.toBe(0);
    expect(changed.text).toMatch(
      /Pulumi.application-user.yaml is not right[^]*changed after the owner of mydomain::1220/,
    );
    expect(existsSync(join(user.home, "postgres"))).toBe(false);
  });

  test("terms that nobody confirmed are asked for, and a participant that the owner does not know is refused by its id", async () => {
    await configureUser();
    const asked = await user.run("up");
    expect(asked.code, asked.text).not.toBe(0);
    expect(asked.text).toContain("Pay in time.");
    expect(asked.text).toContain(`sha256: "${termsNow()?.sha256}"`);

    await configureUser({ termsOfService: termsNow() });
    const refused = await user.run("up");
    expect(refused.code, refused.text).not.toBe(0);
    participantId = (await user.output<Record<string, string>>("participantIds"))["carol"] as string;
    expect(participantId).toMatch(/^PAR::carol::1220/);
    expect(refused.text).toContain(`- participant: ${participantId}`);
    expect(refused.text).not.toMatch(/^\s+at .*\.ts:\d+/m);
  });

  test("once the owner has the id on the allow-list, the user is connected and its party is allocated", async () => {
    await configureOwner([participantId]);
    await up(owner);
    await up(user);
    const { nodes, parties } = await user.status();
    expect(nodes["carol"]).toMatchObject({ state: "ready" });
    expect(parties["Carol"]).toMatch(/^Carol::1220/);
    const seen = await owner.console<ParticipantView[]>("participants");
    expect(seen.find(({ participant }) => participant === participantId)).toMatchObject({ active: true });
    expect((await up(user)).text).toContain("nothing to change");
  });

  test("when the owner changes the terms, the user's update asks to confirm them, and shows what has changed", async () => {
    await writeFile(termsFile, "Be kind.\nPay at once.\n");
    await configureOwner([participantId], "2026-02");
    await up(owner);
    bundle = await owner.output<Bundle>("invitation");

    const asked = await user.run("up");
    expect(asked.code, asked.text).not.toBe(0);
    expect(asked.text).toMatch(/- Pay in time\.\s+\+ Pay at once\./);
    expect(asked.text).toContain('id: "2026-02"');
    await configureUser({ termsOfService: termsNow() });
    await up(user);
  });

  test("when the owner takes the permission away, the user sees drift, and why", async () => {
    await configureOwner([], "2026-02");
    await up(owner);
    await expect
      .poll(async () => (await user.run("pulumi", "preview", "--diff", "--config-file", user.configFile)).text, {
        timeout: minutes,
        interval: 100,
      })
      .toContain("is not connected");
    const refused = await user.run("up");
    expect(refused.code, refused.text).not.toBe(0);
    expect(refused.text).toContain(`- participant: ${participantId}`);
  });

  test("both go down, the user first, and nothing is left", async () => {
    for (const deployment of [user, owner]) {
      const { code, text } = await deployment.run("down");
      expect(code, text).toBe(0);
      expect(existsSync(deployment.home)).toBe(false);
    }
  });
});
