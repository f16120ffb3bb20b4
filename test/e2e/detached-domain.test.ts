/** A domain whose root key is in a file elsewhere: asked for, signed, imported; the domain works, and no node has the key. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyView } from "@pulumi-canton/console/commands/keys.ts";
import type { ParticipantView } from "@pulumi-canton/console/commands/participants.ts";
import type { TopologyStateView } from "@pulumi-canton/console/commands/topology.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment } from "./deployment.ts";

const minutes = 60_000;

describe("a domain whose root key is elsewhere", { timeout: 3 * minutes }, () => {
  let deployment: Deployment;
  /** Where the files are that are carried between the machines. */
  let folder: string;
  let namespace: string;
  /** What the update says is to be done. */
  let commands: string[];
  beforeAll(async () => {
    deployment = await Deployment.of("local");
    folder = join(deployment.home, "..");
  });
  afterAll(async () => {
    await deployment.dispose();
  }, 2 * minutes);

  function configure(...participants: string[]): Promise<void> {
    return deployment.write({
      domain: { owner: "bob", sequencers: 1, initialisation: "detached" },
      participants: participants.map((name) => ({ name, parties: [`Party-of-${name}`] })),
      allowList: participants.map((participant) => ({ participant })),
      invitation: {},
    });
  }

  /** Runs a command of the console as it was printed, with the files in the folder. */
  async function run(command: string, ...more: string[]): Promise<string> {
    const words = command.split(" ").map((word) => (/\.(yaml|topology|key)$/.test(word) ? join(folder, word) : word));
    const { code, text } = await deployment.run("console", ...words.slice(1), ...more);
    expect(code, text).toBe(0);
    return text;
  }

  const keysOf = (node: string) => deployment.console<KeyView[]>("keys", "list", "--node", node);

  test("the first update says what the root key has to sign, and with which commands; the rest stands and waits", async () => {
    await configure("bob");
    const { code, text } = await deployment.run("up");
    expect(code, text).not.toBe(0);
    expect(text).toContain("mydomain: waiting for initialisation: next step (1 of 5)");
    commands = text.match(/console identity (request|sign|import) .*/g) ?? [];
    expect([...new Set(commands)]).toEqual([
      "console identity request domain-manager --identifier mydomain --out mydomain.yaml",
      "console identity sign mydomain.yaml --key ROOT-KEY-FILE --out mydomain.topology",
      "console identity import domain-manager mydomain.topology",
    ]);
    const { nodes } = await deployment.status();
    expect(nodes["domain-manager"]).toMatchObject({ state: "starting", id: "" });
    expect(nodes["bob"]).toMatchObject({ state: "ready" });
  });

  test("the commands make the domain manager's identity, and the next update brings the domain up", async () => {
    const passphrase = ["--passphrase-file", join(folder, "passphrase")];
    await writeFile(join(folder, "passphrase"), "three blind mice ran\n", { mode: 0o600 });
    const made = await run("console identity create-key root.key", ...passphrase);
    namespace = /The namespace is (1220\w+)/.exec(made)?.[1] ?? "";
    const [request = "", sign = "", imports = ""] = commands;
    await run(request);
    await run(sign.replace("ROOT-KEY-FILE", "root.key"), "--yes", ...passphrase);
    await run(imports);

    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    const { domain, nodes, parties } = await deployment.status();
    expect(domain.id).toBe(`mydomain::${namespace}`);
    expect(nodes["domain-manager"]).toMatchObject({ state: "ready", id: `DOM::${domain.id}` });
    expect(nodes["sequencer1"]).toMatchObject({ state: "ready", id: `SEQ::${domain.id}` });
    expect(Object.keys(parties)).toEqual(["Party-of-bob"]);
    expect(await deployment.output("invitation")).toMatchObject({ invitation: { domainId: domain.id } });
    const again = await deployment.run("up");
    expect(again.text).toContain("nothing to change");
  });

  test("the private half of the root key is on no node; what came after was signed by the key that it delegated to", async () => {
    const { nodes } = await deployment.status();
    for (const node of Object.keys(nodes)) {
      const held = (await keysOf(node)).map(({ fingerprint }) => fingerprint);
      expect(held, node).not.toContain(namespace);
      expect(held.length, node).toBeGreaterThan(0);
    }
    const delegate = (await keysOf("domain-manager")).find(
      ({ name }) => name === "domain-manager-topology",
    )?.fingerprint;
    const { transactions } = await deployment.console<TopologyStateView>("topology", "--authorized");
    const signedBy = (who: string | undefined) =>
      transactions.filter((each) => each.signedBy === who).map(({ kind }) => kind);
    expect(signedBy(namespace).sort()).toEqual(["NamespaceDelegation", "NamespaceDelegation", "OwnerToKeyMapping"]);
    expect(signedBy(delegate)).toEqual(
      expect.arrayContaining([
        "DomainParametersChange",
        "MediatorDomainState",
        "OwnerToKeyMapping",
        "ParticipantState",
      ]),
    );
  });

  test("a domain manager that is started again works on: another participant joins", async () => {
    const before = (await deployment.status()).nodes["domain-manager"]?.pid ?? 0;
    process.kill(before, "SIGKILL");
    await expect
      .poll(async () => (await deployment.status()).nodes["domain-manager"], { timeout: minutes })
      .toMatchObject({ state: "ready", pid: expect.not.toSatisfy((pid) => pid === before || pid === undefined) });
    await configure("bob", "alice");
    const { code, text } = await deployment.run("up");
    expect(code, text).toBe(0);
    const participants = await deployment.console<ParticipantView[]>("participants");
    expect(participants).toHaveLength(2);
    for (const participant of participants) expect(participant).toMatchObject({ allowed: true, active: true });
  });
});
