import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decryptKeyFile } from "@pulumi-canton/protocol/crypto/encrypted-key-file.ts";
import {
  generateEncryptionKeyPair,
  generateSigningKeyPair,
  publicKeyOf,
} from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { decide } from "@pulumi-canton/protocol/topology/decide.ts";
import { TopologyState } from "@pulumi-canton/protocol/topology/topology-state.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { identityCommand } from "./commands.ts";
import { decodeSignedTransactionsFile } from "./signed-transactions-file.ts";
import { formatTopologyRequest, requestedKey, type TopologyRequest } from "./topology-request.ts";

const passphrase = "three blind mice ran";
const topology = generateSigningKeyPair();
const signing = generateSigningKeyPair();
const encryption = generateEncryptionKeyPair();
const domain = `mydomain::1220${"ab".repeat(32)}`;

const request: TopologyRequest = {
  format: "pulumi-canton topology request",
  version: 1,
  node: "participant4",
  role: "participant",
  identifier: "p4",
  keys: [
    requestedKey("p4-topology", publicKeyOf(topology)),
    requestedKey("p4-signing", publicKeyOf(signing)),
    requestedKey("p4-encryption", publicKeyOf(encryption)),
  ],
  statements: [
    { type: "owner-to-key", key: "p4-signing" },
    { type: "owner-to-key", key: encryption.publicKey.id },
    { type: "participant-on-domain", domain },
    { type: "party", party: "alice", permission: "Observation" },
    { type: "identifier-delegation", key: "p4-topology", identifier: "alice" },
    { type: "namespace-delegation", key: "p4-topology", mayDelegate: true },
    { type: "root-certificate" },
  ],
};

let folder: string;
let namespace: string;
const at = (name: string) => join(folder, name);

/** Runs a command as the console does, offline: there is no node to be had. */
async function run(arguments_: string[], answers: string[] = [], printed: string[] = []): Promise<string> {
  const answer = async () => answers.shift() ?? "";
  const command = identityCommand({
    node: async () => {
      throw new ConsoleError("there is no network here", "");
    },
    print: (text) => printed.push(text),
    prompt: { ask: answer, askSecret: answer },
  });
  await command.parseAsync(arguments_, { from: "user" });
  return printed.join("\n");
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulumi-canton-identity-"));
  const said = await run(["create-key", at("root.key"), "--name", "bank root"], [passphrase, passphrase]);
  namespace = /1220[0-9a-f]{64}/.exec(said)?.[0] ?? "";
  await writeFile(at("passphrase"), `${passphrase}\n`, { mode: 0o600 });
  await writeFile(at("request.yaml"), formatTopologyRequest(request));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("create-key", () => {
  test("writes a file that only its owner reads and the passphrase opens, and never overwrites one", async () => {
    expect((await stat(at("root.key"))).mode & 0o777).toBe(0o600);
    const text = await readFile(at("root.key"), "utf8");
    expect(decryptKeyFile(text, passphrase).publicKey.id).toBe(namespace);
    await expect(run(["create-key", at("root.key")], [passphrase, passphrase])).rejects.toThrow("it exists already");
    expect(await readFile(at("root.key"), "utf8")).toBe(text);
    expect(await run(["show", at("root.key")])).toContain(`bank root for signing, ${namespace}`);
  });

  test("refuses a short passphrase, and one that was mistyped", async () => {
    await expect(run(["create-key", at("new.key")], ["short", "short"])).rejects.toThrow("fewer than 12");
    await expect(run(["create-key", at("new.key")], [passphrase, `${passphrase}!`])).rejects.toThrow("differ");
    await expect(stat(at("new.key"))).rejects.toThrow("ENOENT");
  });
});

describe("sign", () => {
  test("says in words all that is asked for, and signs what a topology manager takes", async () => {
    const said = await run(
      ["sign", at("request.yaml"), "--key", at("root.key"), "--out", at("signed.topology")],
      ["yes", passphrase],
    );
    const uid = `p4::${namespace}`;
    const topologyKey = `the key p4-topology (${topology.publicKey.id})`;
    for (const words of [
      `participant4 is to be PAR::${uid}`,
      `1. the namespace ${namespace} begins`,
      `${topologyKey} may sign for everything in the namespace ${namespace}, AND MAY LET OTHER KEYS DO SO`,
      `${topologyKey} may sign for alice::${namespace}, and for nothing else`,
      `PAR::${uid} signs with the key p4-signing (${signing.publicKey.id})`,
      `PAR::${uid} has messages encrypted for the key p4-encryption (${encryption.publicKey.id})`,
      `PAR::${uid} is on the domain ${domain}`,
      `the party alice::${namespace} is hosted by PAR::${uid} with permission Observation`,
    ]) {
      expect(said).toContain(words);
    }
    const { member, transactions } = decodeSignedTransactionsFile(await readFile(at("signed.topology")));
    expect(member).toBe(`PAR::${uid}`);
    let state = TopologyState.empty;
    for (const signed of transactions) {
      const decision = decide(state, signed);
      if (!decision.accepted) throw new Error(decision.message);
      state = decision.state;
    }
    expect(state.size).toBe(request.statements.length);
    expect(await run(["show", at("signed.topology")])).toContain("7 signed transactions");
  });

  test("refuses a passphrase that others can read", async () => {
    await writeFile(at("readable"), `${passphrase}\n`, { mode: 0o644 });
    const check = ["check-key", at("root.key"), "--passphrase-file", at("readable")];
    await expect(run(check)).rejects.toThrow(/Others can read or change .*mode 0644/);
  });

  test("signs nothing without a yes, or with the wrong passphrase", async () => {
    const sign = ["sign", at("request.yaml"), "--key", at("root.key"), "--out", at("none")];
    await expect(run(sign, ["no"])).rejects.toThrow("Nothing was signed");
    await expect(run([...sign, "--yes"], ["another passphrase"])).rejects.toThrow("does not open");
    await expect(stat(at("none"))).rejects.toThrow("ENOENT");
    await run([...sign, "--yes", "--passphrase-file", at("passphrase")]);
    expect((await stat(at("none"))).size).toBeGreaterThan(0);
  });

  test.each<[string, (file: any) => void, RegExp]>([
    ["another version", (file) => (file.version = 2), /version: got 2/],
    [
      "a key that is not the one it says",
      (file) => (file.keys[0].fingerprint = `1220${"00".repeat(32)}`),
      /keys\[0\]\.fingerprint/,
    ],
    ["a purpose that is not the key's", (file) => (file.keys[2].purpose = "signing"), /keys\[2\]\.purpose/],
    ["a key that is none", (file) => (file.keys[0].publicKey = "AAAA"), /keys\[0\]\.publicKey/],
    [
      "a statement about a key that is not there",
      (file) => (file.statements[0].key = "other"),
      /statements\[0\].*"other" is none/,
    ],
    [
      "a delegation to an encryption key",
      (file) => (file.statements[5].key = "p4-encryption"),
      /statements\[5\].*for encryption/,
    ],
    [
      "a root certificate of another namespace",
      (file) => (file.namespace = signing.publicKey.id),
      /statements\[6\].*only the namespace's own key/,
    ],
    ["a party on a domain manager", (file) => (file.role = "domain-manager"), /hosts no parties/],
    ["an identifier that is none", (file) => (file.identifier = "a::b"), /identifier/],
    [
      "a key whose name would write over what is shown",
      (file) => (file.keys[0].name = "p4\x1b[2K\r5. nothing else"),
      /keys\[0\]\.name.*expected 1 to 185/,
    ],
    [
      "a key whose name would be read as a fingerprint in brackets",
      (file) => (file.keys[0].name = `p4 (1220${"ab".repeat(32)})`),
      /keys\[0\]\.name/,
    ],
    ["a node whose name adds a line", (file) => (file.node = "p4\n is to be harmless"), /node: .*expected 1 to 185/],
    ["a field that is not known", (file) => (file.statements[0].force = true), /force: unknown key/],
  ])("refuses a request with %s", async (_what, change, message) => {
    const changed = structuredClone(request);
    change(changed);
    const file = at(`bad-${_what.replaceAll(" ", "-")}.yaml`);
    await writeFile(file, formatTopologyRequest(changed));
    const sign = ["sign", file, "--key", at("root.key"), "--out", at("never"), "--yes", "--passphrase-file"];
    await expect(run([...sign, at("passphrase")])).rejects.toThrow(message);
    await expect(stat(at("never"))).rejects.toThrow("ENOENT");
  });
});

describe("delegate", () => {
  test("says in one line whose key it is, whatever its file calls it", async () => {
    await run(["create-key", at("odd.key"), "--name", "x\x1b[1A\n  harmless"], [passphrase, passphrase]);
    const delegate = ["delegate", at("odd.key"), "--key", at("root.key"), "--out", at("never")];
    const printed: string[] = [];
    await expect(run(delegate, ["no"], printed)).rejects.toThrow("Nothing was signed");
    expect(printed).toHaveLength(3);
    expect(printed[2]).toContain("x\\u{1b}[1A\\u{a}  harmless (1220");
    expect(await run(["show", at("odd.key")])).toContain("The key x\\u{1b}[1A\\u{a}  harmless for");
  });

  test("a second key stands in for the root key: what it signs for the namespace is taken", async () => {
    const file = ["--passphrase-file", at("passphrase")];
    await run(["create-key", at("second.key"), "--name", "second", ...file]);
    const delegation = ["delegate", at("second.key"), "--key", at("root.key"), "--may-delegate", ...file];
    const said = await run([...delegation, "--out", at("second.topology")], ["yes"]);
    expect(said).toMatch(/the key second \(1220[0-9a-f]{64}\) may sign for everything.*AND MAY LET OTHER KEYS DO SO/);
    const own = ["delegate", at("root.key"), "--key", at("root.key"), "--out", at("own"), "--yes", ...file];
    await expect(run(own)).rejects.toThrow("the same key");

    const statements = request.statements.filter(({ type }) => type !== "root-certificate");
    await writeFile(at("second.yaml"), formatTopologyRequest({ ...request, namespace, statements }));
    const signed = at("by-second.topology");
    await run(["sign", at("second.yaml"), "--key", at("second.key"), "--out", signed, "--yes", ...file]);
    let state = TopologyState.empty;
    for (const name of [at("second.topology"), signed]) {
      for (const transaction of decodeSignedTransactionsFile(await readFile(name)).transactions) {
        const decision = decide(state, transaction);
        if (!decision.accepted) throw new Error(decision.message);
        state = decision.state;
      }
    }
    expect(state.keysOf(`PAR::p4::${namespace}`).signing).toHaveLength(1);
  });

  test("check-key says whether the passphrase opens a copy", async () => {
    expect(await run(["check-key", at("root.key"), "--passphrase-file", at("passphrase")])).toContain(namespace);
    await expect(run(["check-key", at("root.key")], ["not the passphrase"])).rejects.toThrow("does not open");
  });
});

describe("revoke", () => {
  test("signs the removal of what was chosen, which a topology manager takes", async () => {
    const issued = at("issued.topology");
    const by = ["--key", at("root.key"), "--passphrase-file", at("passphrase"), "--yes"];
    await run(["sign", at("request.yaml"), "--out", issued, ...by]);
    const said = await run(["revoke", issued, "--only", "3", "--out", at("revoked.topology"), ...by]);
    expect(said).toMatch(/NO LONGER: the key 1220[0-9a-f]{64} may sign for everything/);
    const { transactions } = decodeSignedTransactionsFile(await readFile(issued));
    const { transactions: removals } = decodeSignedTransactionsFile(await readFile(at("revoked.topology")));
    const before = TopologyState.replay(transactions);
    const [removal] = removals;
    if (removal === undefined) throw new Error("no removal");
    const decision = decide(before, removal, { force: true });
    if (!decision.accepted) throw new Error(decision.message);
    expect(before.mayActForNamespace(topology.publicKey.id, namespace, false)).toBe(true);
    expect(decision.state.mayActForNamespace(topology.publicKey.id, namespace, false)).toBe(false);
    await expect(run(["revoke", issued, "--only", "9", "--out", at("x"), ...by])).rejects.toThrow("none of the file's");
  });

  test("refuses a file that was cut on its way", async () => {
    const bytes = await readFile(at("signed.topology"));
    await writeFile(at("cut"), bytes.subarray(0, bytes.length - 10));
    await expect(run(["show", at("cut")])).rejects.toThrow(ConsoleError);
  });
});
