import { readFile, writeFile } from "node:fs/promises";
import { newPassphrase, passphraseOf, terminalPrompt } from "@pulumi-canton/detached-topology-manager/passphrase.ts";
import {
  decryptKeyFile,
  encryptKeyFile,
  readKeyFile,
  WrongPassphraseError,
} from "@pulumi-canton/protocol/crypto/encrypted-key-file.ts";
import { decodeKeyPair, encodeKeyPair, type KeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { encryptionSchemeName, signingSchemeName } from "@pulumi-canton/protocol/crypto/key-scheme.ts";
import { decodePublicKey, encodePublicKey, publicKeyFromProto } from "@pulumi-canton/protocol/crypto/public-key.ts";
import { PROTOCOL_VERSION } from "@pulumi-canton/protocol/domain-parameters.ts";
import { VaultServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/admin/v0/vault_service.ts";
import {
  EncryptionKeyScheme,
  KeyPurpose,
  type PublicKeyWithName,
  SigningKeyScheme,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { TopologyAggregationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.ts";
import { TopologyManagerReadServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { forceHeader } from "@pulumi-canton/topology/services/force-header.ts";
import { type Command, Option } from "commander";
import type { AdminApi } from "../admin-api.ts";
import type { ConsoleContext } from "../console-context.ts";
import { headState } from "../head-state.ts";
import { rotateNodeKeys } from "../key-rotation.ts";
import { domainManagerOf, nodeNamed } from "../network.ts";
import { countArgument, json, timeout } from "../options.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";
import { traceHint } from "../trace-hint.ts";

/** A key that a node knows. */
export interface KeyView {
  fingerprint: string;
  purpose: "signing" | "encryption";
  scheme: string;
  name: string;
}

/** A key for people and scripts. */
export function keyView({ publicKey, name }: PublicKeyWithName): KeyView {
  const { purpose, key } = publicKeyFromProto(publicKey);
  return {
    fingerprint: key.id,
    purpose,
    scheme: purpose === "signing" ? signingSchemeName(key.scheme) : encryptionSchemeName(key.scheme),
    name,
  };
}

const purposes = { signing: KeyPurpose.SigningKeyPurpose, encryption: KeyPurpose.EncryptionKeyPurpose } as const;
type Purpose = keyof typeof purposes;

const signingSchemes = {
  ed25519: SigningKeyScheme.Ed25519,
  "ecdsa-p256": SigningKeyScheme.EcDsaP256,
  "ecdsa-p384": SigningKeyScheme.EcDsaP384,
} as const;
const encryptionSchemes = { "ecies-p256": EncryptionKeyScheme.EciesP256HkdfHmacSha256Aes128Gcm } as const;

interface NodeOption {
  node: string;
}

interface Filters {
  fingerprint?: string;
  name?: string;
  purpose?: Purpose;
}

const theNode = () => new Option("--node <node>", "a node of this network").makeOptionMandatory();
const passphraseFile = () =>
  new Option("--passphrase-file <file>", "its first line is the passphrase (default: asked for)");

function withFilters(command: Command): Command {
  return command
    .addOption(theNode())
    .option("--fingerprint <start>", "only keys whose fingerprint begins so")
    .option("--name <part>", "only keys whose name contains this")
    .addOption(new Option("--purpose <purpose>", "only keys for this").choices(Object.keys(purposes)))
    .addOption(json());
}

function listRequest({ fingerprint = "", name = "", purpose }: Filters) {
  return {
    filterFingerprint: fingerprint,
    filterName: name,
    filterPurpose: purpose === undefined ? [] : [purposes[purpose]],
  };
}

/** `keys` */
export function registerKeys(program: Command, context: ConsoleContext): void {
  const keys = program.command("keys").description("the keys of a node: made, replaced, taken out and brought in");

  withFilters(keys.command("list"))
    .description("the private keys that a node holds")
    .action(async ({ node, json, ...filters }: NodeOption & Filters & { json: boolean }) => {
      const { adminApi } = nodeNamed(await context.network(), node);
      const { privateKeysMetadata } = await context
        .api()
        .call(adminApi, VaultServiceClient, "listMyKeys", listRequest(filters));
      const rows = privateKeysMetadata.flatMap(({ publicKeyWithName, wrapperKeyId }) =>
        publicKeyWithName === undefined ? [] : [{ ...keyView(publicKeyWithName), wrapperKey: wrapperKeyId }],
      );
      if (json) return printJson(rows);
      print(
        table(
          ["fingerprint", "purpose", "scheme", "name", "wrapper key"],
          rows.map((r) => [r.fingerprint, r.purpose, r.scheme, r.name, r.wrapperKey || undefined]),
        ),
      );
    });

  keys
    .command("generate")
    .description("makes a new key; it is used once a topology mapping names it")
    .addArgument(program.createArgument("<purpose>", "what it is for").choices(Object.keys(purposes)))
    .addOption(theNode())
    .option("--name <name>", "a name for people", "")
    .addOption(
      new Option(
        "--scheme <scheme>",
        "ed25519, ecdsa-p256 or ecdsa-p384 for signing; ecies-p256 for encryption",
      ).choices([...Object.keys(signingSchemes), ...Object.keys(encryptionSchemes)]),
    )
    .addOption(json())
    .action(
      async (
        purpose: Purpose,
        { node, name, scheme, json }: NodeOption & { name: string; scheme?: string; json: boolean },
      ) => {
        const { adminApi } = nodeNamed(await context.network(), node);
        const fingerprint = await generate(context.api(), adminApi, purpose, scheme, name);
        if (json) printJson({ fingerprint, purpose, name });
        else print(fingerprint);
      },
    );

  keys
    .command("rotate")
    .description(
      "replaces the keys that a node works with: a new one is in force everywhere before the old one is revoked",
    )
    .addOption(theNode())
    .addOption(new Option("--purpose <purpose>", "only keys for this").choices(Object.keys(purposes)))
    .addOption(timeout())
    .addOption(json())
    .addHelpText(
      "after",
      "\nThe key of the namespace, the root of trust, is not replaced by this: delegate to another one instead.",
    )
    .action(
      async ({ node, purpose, timeout, json }: NodeOption & { purpose?: Purpose; timeout: number; json: boolean }) => {
        const network = await context.network();
        const rotated = await rotateNodeKeys(
          context,
          network,
          { ...nodeNamed(network, node), name: node },
          purpose,
          timeout,
        );
        if (json) return printJson(rotated);
        print(
          table(
            ["member", "purpose", "new key", "revoked"],
            rotated.map((r) => [context.identity(r.owner), r.purpose, r.added, r.revoked]),
          ),
        );
        print(traceHint());
      },
    );

  keys
    .command("export")
    .description("writes a key pair to a file, encrypted with a passphrase")
    .argument("<fingerprint>", "the key")
    .argument("<file>", "must not exist yet")
    .addOption(theNode())
    .addOption(passphraseFile())
    .action(
      async (fingerprint: string, file: string, { node, passphraseFile }: NodeOption & { passphraseFile?: string }) => {
        const { adminApi } = nodeNamed(await context.network(), node);
        const passphrase = await newPassphrase(passphraseFile, terminalPrompt);
        const api = context.api();
        const { keyPair } = await api.call(adminApi, VaultServiceClient, "exportKeyPair", {
          fingerprint,
          protocolVersion: PROTOCOL_VERSION,
        });
        const { publicKeys } = await api.call(
          adminApi,
          VaultServiceClient,
          "listPublicKeys",
          listRequest({ fingerprint }),
        );
        await writeNew(file, encryptKeyFile(decodeKeyPair(keyPair), passphrase, publicKeys[0]?.name ?? ""), 0o600);
        print(`${fingerprint} is in ${file}, encrypted. Without the passphrase nobody can read it, you neither.`);
      },
    );

  keys
    .command("import")
    .description("brings a key pair from an encrypted file into a node")
    .argument("<file>", "as `keys export` wrote it")
    .addOption(theNode())
    .option("--name <name>", "a name for people (default: the one in the file)")
    .addOption(passphraseFile())
    .action(
      async (file: string, { node, name, passphraseFile }: NodeOption & { name?: string; passphraseFile?: string }) => {
        const { adminApi } = nodeNamed(await context.network(), node);
        const text = await readText(file);
        const { fingerprint, name: nameInFile } = readKeyFile(text);
        const pair = opened(text, await passphraseOf(passphraseFile, terminalPrompt));
        await context.api().call(adminApi, VaultServiceClient, "importKeyPair", {
          keyPair: encodeKeyPair(pair),
          name: name ?? nameInFile,
        });
        print(`${node} holds ${fingerprint}.`);
      },
    );

  keys
    .command("delete")
    .description(
      "deletes a private key from a node; refused while a member works with it, or when it alone signs for a namespace",
    )
    .argument("<fingerprint>", "the whole fingerprint")
    .addOption(theNode())
    .option("--force", "although it is in use: what needs it fails from then on", false)
    .action(async (fingerprint: string, { node, force }: NodeOption & { force: boolean }) => {
      const found = nodeNamed(await context.network(), node);
      const api = context.api();
      const { privateKeysMetadata } = await api.call(
        found.adminApi,
        VaultServiceClient,
        "listMyKeys",
        listRequest({ fingerprint }),
      );
      if (!privateKeysMetadata.some(({ publicKeyWithName: key }) => key && keyView(key).fingerprint === fingerprint)) {
        throw new ConsoleError(`${node} holds no key ${fingerprint}.`, `See console keys list --node ${node}.`);
      }
      const settings = force ? { metadata: { [forceHeader]: "true" } } : {};
      await api.call(found.adminApi, VaultServiceClient, "deleteKeyPair", { fingerprint }, settings);
      print(`${fingerprint} is deleted from ${node}.`);
    });

  registerPublicKeys(keys.command("public").description("public keys, a node's own and those of others"), context);
}

function registerPublicKeys(keys: Command, context: ConsoleContext): void {
  withFilters(keys.command("list"))
    .description("the public keys that a node knows")
    .action(async ({ node, json, ...filters }: NodeOption & Filters & { json: boolean }) => {
      const { adminApi } = nodeNamed(await context.network(), node);
      const { publicKeys } = await context
        .api()
        .call(adminApi, VaultServiceClient, "listPublicKeys", listRequest(filters));
      const rows = publicKeys.map(keyView);
      if (json) return printJson(rows);
      print(
        table(
          ["fingerprint", "purpose", "scheme", "name"],
          rows.map((r) => [r.fingerprint, r.purpose, r.scheme, r.name]),
        ),
      );
    });

  keys
    .command("export")
    .description("writes a public key to a file")
    .argument("<fingerprint>", "the whole fingerprint")
    .argument("<file>", "must not exist yet")
    .addOption(theNode())
    .action(async (fingerprint: string, file: string, { node }: NodeOption) => {
      const { adminApi } = nodeNamed(await context.network(), node);
      const { publicKeys } = await context
        .api()
        .call(adminApi, VaultServiceClient, "listPublicKeys", listRequest({ fingerprint }));
      const found = publicKeys.find((key) => keyView(key).fingerprint === fingerprint);
      if (found === undefined) {
        throw new ConsoleError(`${node} knows no key ${fingerprint}.`, `See console keys public list --node ${node}.`);
      }
      await writeNew(file, encodePublicKey(publicKeyFromProto(found.publicKey)), 0o644);
      print(`${fingerprint} is in ${file}.`);
    });

  keys
    .command("import")
    .description("makes a public key known to a node, so that a delegation can name it")
    .argument("<file>", "as `keys public export` wrote it")
    .addOption(theNode())
    .option("--name <name>", "a name for people", "")
    .action(async (file: string, { node, name }: NodeOption & { name: string }) => {
      const { adminApi } = nodeNamed(await context.network(), node);
      const bytes = await readBytes(file);
      try {
        decodePublicKey(bytes);
      } catch {
        throw new ConsoleError(`${file} holds no public key.`, "Give a file that `console keys public export` wrote.");
      }
      const { fingerprint } = await context
        .api()
        .call(adminApi, VaultServiceClient, "importPublicKey", { publicKey: bytes, name });
      print(`${node} knows ${fingerprint}.`);
    });

  keys
    .command("owners")
    .description("the members of a domain and the keys that they work with, as a node sees them")
    .addOption(theNode())
    .option("--domain <start>", "only domains whose id begins so", "")
    .option("--type <code>", "only PAR, DOM, SEQ or MED", "")
    .option("--uid <start>", "only members whose identifier begins so", "")
    .option("--limit <count>", "most members", countArgument("--limit"), 1_000)
    .addOption(json())
    .action(async (given: NodeOption & { domain: string; type: string; uid: string; limit: number; json: boolean }) => {
      const { adminApi } = nodeNamed(await context.network(), given.node);
      const { results } = await context.api().call(adminApi, TopologyAggregationServiceClient, "listKeyOwners", {
        asOf: undefined,
        limit: given.limit,
        filterDomain: given.domain,
        filterKeyOwnerType: given.type,
        filterKeyOwnerUid: given.uid,
      });
      const rows = results.map(({ domain, keyOwner, signingKeys, encryptionKeys }) => ({
        domain,
        member: keyOwner,
        signing: signingKeys.map(({ id }) => id),
        encryption: encryptionKeys.map(({ id }) => id),
      }));
      if (given.json) return printJson(rows);
      print(
        table(
          ["domain", "member", "signing", "encryption"],
          rows.map((r) => [
            context.identity(r.domain),
            context.identity(r.member),
            r.signing.join("\n"),
            r.encryption.join("\n"),
          ]),
        ),
      );
    });
}

/** Makes a key and gives its fingerprint. */
export async function generate(
  api: AdminApi,
  url: string,
  purpose: Purpose,
  scheme: string | undefined,
  name: string,
): Promise<string> {
  const wrong = (accepted: object) =>
    new ConsoleError(`${scheme} is no scheme for ${purpose}.`, `Give one of ${Object.keys(accepted).join(", ")}.`);
  const made =
    purpose === "signing"
      ? await (async () => {
          const keyScheme = signingSchemes[(scheme ?? "ed25519") as keyof typeof signingSchemes];
          if (keyScheme === undefined) throw wrong(signingSchemes);
          return api.call(url, VaultServiceClient, "generateSigningKey", { keyScheme, name });
        })()
      : await (async () => {
          const keyScheme = encryptionSchemes[(scheme ?? "ecies-p256") as keyof typeof encryptionSchemes];
          if (keyScheme === undefined) throw wrong(encryptionSchemes);
          return api.call(url, VaultServiceClient, "generateEncryptionKey", { keyScheme, name });
        })();
  return made.publicKey?.id ?? "";
}

function opened(text: string, passphrase: string): KeyPair {
  try {
    return decryptKeyFile(text, passphrase);
  } catch (error) {
    if (error instanceof WrongPassphraseError)
      throw new ConsoleError(`It cannot be opened: ${error.message}.`, "Try again.");
    throw error;
  }
}

async function writeNew(file: string, content: string | Buffer, mode: number): Promise<void> {
  try {
    await writeFile(file, content, { mode, flag: "wx" });
  } catch (error) {
    throw new ConsoleError(
      `${file} cannot be written: ${(error as Error).message}`,
      "Name a file that does not exist yet.",
    );
  }
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new ConsoleError(`${file} cannot be read: ${(error as Error).message}`, "Name another file.");
  }
}

async function readText(file: string): Promise<string> {
  return (await readBytes(file)).toString("utf8");
}
