/**
 * `console identity …`: the detached topology manager. `create-key`, `show`, `sign` and `revoke` need neither network nor
 * database and are for the machine that has the root key; `request` and `import` are for one that reaches the node.
 */
import { readFile, writeFile } from "node:fs/promises";
import {
  decryptKeyFile,
  encryptKeyFile,
  readKeyFile,
  WrongPassphraseError,
} from "@pulumi-canton/protocol/crypto/encrypted-key-file.ts";
import { generateSigningKeyPair, type SigningKeyPair } from "@pulumi-canton/protocol/crypto/key-pair.ts";
import { SigningKeyScheme } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/crypto/v0/crypto.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { waitingForInitialisation } from "@pulumi-canton/protocol/topology/initialisation-progress.ts";
import { addition, signTransaction } from "@pulumi-canton/protocol/topology/transaction.ts";
import { ConfigError, describeFileError } from "@pulumi-canton/runtime/config.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import type { ClientTarget } from "@pulumi-canton/runtime/grpc-client.ts";
import { visibleText } from "@pulumi-canton/runtime/visible-text.ts";
import { observeInitialisation } from "@pulumi-canton/topology/observe-initialisation.ts";
import { Command, Option } from "commander";
import { createRequest, type DelegatedAuthority } from "./create-request.ts";
import { type ImportOutcome, importTopology, initialiseFromFile, type NodeCallOptions } from "./node-topology.ts";
import { newPassphrase, type Prompt, passphraseOf, terminalPrompt } from "./passphrase.ts";
import { delegationOf, mappingsOfRequest, memberOfRequest, signRequest, signRevocation } from "./sign-request.ts";
import {
  decodeSignedTransactionsFile,
  encodeSignedTransactionsFile,
  type SignedTransactionsFile,
} from "./signed-transactions-file.ts";
import { formatTopologyRequest, parseTopologyRequest } from "./topology-request.ts";
import { mappingInWords, transactionInWords } from "./words.ts";

/** A node that commands are about. */
export interface CommandNode {
  readonly role: "participant" | "domain-manager";
  readonly admin: ClientTarget;
}

/** What the commands need of the console. */
export interface IdentityCommandOptions {
  /** The node of this name; throws ConsoleError when there is none, or it has no identity of its own. */
  readonly node: (name: string) => Promise<CommandNode>;
  /** Writes lines for people on standard output. */
  readonly print: (text: string) => void;
  /** Default: the terminal. */
  readonly prompt?: Prompt;
}

const deadlineMs = 30_000;

/**
 * The command `identity`, to be mounted with `program.addCommand(identityCommand(…))`.
 *
 * Every failure that a person can do something about is a ConsoleError or, from a node, a CantonError.
 */
export function identityCommand(options: IdentityCommandOptions): Command {
  const { print, prompt = terminalPrompt } = options;
  const passphraseFile = () => new Option("--passphrase-file <file>", "its first line is the passphrase; default: ask");
  const keyFile = () => new Option("--key <file>", "the key file to sign with").makeOptionMandatory();
  const out = (what: string) => new Option("--out <file>", `where to write ${what}`).makeOptionMandatory();
  const yes = () => new Option("--yes", "sign without asking").default(false);
  const list = (value: string, before: string[] | undefined) => [...(before ?? []), value];
  const identity = new Command("identity").description(
    "root keys that are kept off the nodes: make them, sign what nodes ask for, revoke it",
  );

  identity
    .command("create-key")
    .description("makes the root key of a namespace, in a file that a passphrase opens (offline)")
    .argument("<file>", "the key file to write; an existing one is never overwritten")
    .option("--name <name>", "what to call it", "root")
    .addOption(new Option("--scheme <scheme>", "kind of key").choices(["ed25519", "ecdsa-p256"]).default("ed25519"))
    .addOption(passphraseFile())
    .action((file: string, { name, scheme, passphraseFile: from }) =>
      told(async () => {
        const pair = generateSigningKeyPair(
          scheme === "ed25519" ? SigningKeyScheme.Ed25519 : SigningKeyScheme.EcDsaP256,
        );
        const text = encryptKeyFile(pair, await newPassphrase(from, prompt), name);
        await write(file, text);
        print(`The namespace is ${pair.publicKey.id}`);
        print(`${file} is its root key. Keep copies in two places, apart from the passphrase: nothing replaces it.`);
      }),
    );

  identity
    .command("check-key")
    .description("opens a key file, to know that its passphrase still does (offline)")
    .argument("<file>")
    .addOption(passphraseFile())
    .action((file: string, { passphraseFile: from }) =>
      told(async () => {
        const pair = decryptKeyFile((await read(file)).toString(), await passphraseOf(from, prompt));
        print(`The passphrase opens ${file}: the key ${pair.publicKey.id}.`);
      }),
    );

  identity
    .command("delegate")
    .description(
      "lets the key of another key file sign for the namespace, so that the root key can stay away (offline)",
    )
    .argument("<file>", "the other key file; its passphrase is not needed")
    .addOption(keyFile())
    .option("--may-delegate", "it may let further keys do so: it can stand in for a root key that is lost", false)
    .addOption(out("the signed delegation"))
    .addOption(passphraseFile())
    .addOption(yes())
    .action((file: string, { key, mayDelegate, out: target, passphraseFile: from, yes: sure }) =>
      told(async () => {
        const { publicKey, name } = readKeyFile((await read(file)).toString());
        if (publicKey.purpose !== "signing") throw notASigningKey(file);
        const text = (await read(key)).toString();
        const root = readKeyFile(text).publicKey;
        if (root.purpose !== "signing") throw notASigningKey(key);
        const mappings = delegationOf(root.key, publicKey.key, mayDelegate);
        print("It is to be signed that");
        const nameOf = (id: string) => (id === publicKey.key.id ? name : undefined);
        for (const mapping of mappings) print(`  ${mappingInWords(mapping, nameOf)}`);
        await confirm(sure, prompt);
        const pair = await open(key, text, from, prompt);
        const transactions = mappings.map((mapping) => signTransaction(addition(mapping), pair));
        await write(target, encodeSignedTransactionsFile({ transactions }));
        print(`${target} has the delegation; import it at every node of the namespace.`);
      }),
    );

  identity
    .command("show")
    .description("says what a key file, a request or a file of signed transactions holds (offline)")
    .argument("<file>")
    .action((file: string) => told(async () => print(describeFile(file, await read(file)))));

  identity
    .command("request")
    .description("makes the keys of a node, on the node, and writes what it asks the root key to sign")
    .argument("<node>", "a node of this network that is not initialised yet")
    .requiredOption("--identifier <name>", "the identifier that the node is to have")
    .addOption(
      new Option(
        "--authority <kind>",
        "what the node may sign for by itself: its namespace, its identifier, or nothing",
      )
        .choices(["namespace", "identifier", "none"])
        .default("namespace"),
    )
    .option("--namespace <fingerprint>", "the namespace, when a key that was delegated to is to sign")
    .option("--party <name>", "a party that it is to host, for the authorities identifier and none; repeatable", list)
    .option("--domain <id>", "a domain that it is to be on, for the authority none; repeatable", list)
    .addOption(out("the request"))
    .action((name: string, given) =>
      told(async () => {
        const { role, admin } = await options.node(name);
        const request = await createRequest(
          admin,
          {
            role,
            identifier: given.identifier,
            authority: given.authority as DelegatedAuthority,
            namespace: given.namespace,
            parties: given.party ?? [],
            domains: given.domain ?? [],
          },
          { deadlineMs },
        );
        // As whoever signs will read it: what is wrong is better told here.
        const text = formatTopologyRequest(request);
        parseTopologyRequest(text);
        await write(given.out, text);
        print(
          `${given.out} asks for ${request.statements.length} transactions. Take it to the machine with the root key:`,
        );
        print(`  console identity sign ${given.out} --key ROOT-KEY-FILE --out signed.topology`);
      }),
    );

  identity
    .command("sign")
    .description("shows in words what a request asks for, and signs it (offline)")
    .argument("<request>")
    .addOption(keyFile())
    .addOption(out("the signed transactions"))
    .addOption(passphraseFile())
    .addOption(yes())
    .action((requestFile: string, { key, out: target, passphraseFile: from, yes: sure }) =>
      told(async () => {
        const request = parseTopologyRequest((await read(requestFile)).toString());
        const text = (await read(key)).toString();
        const { publicKey } = readKeyFile(text);
        if (publicKey.purpose !== "signing") throw notASigningKey(key);
        const nameOf = (id: string) => request.keys.find(({ fingerprint }) => fingerprint === id)?.name;
        print(`The node ${request.node} is to be ${memberOfRequest(request, publicKey.key.id)}.`);
        print(`The key ${publicKey.key.id} is to sign that`);
        for (const [index, mapping] of mappingsOfRequest(request, publicKey.key).entries()) {
          print(`  ${index + 1}. ${mappingInWords(mapping, nameOf)}`);
        }
        await confirm(sure, prompt);
        const signed = signRequest(request, await open(key, text, from, prompt));
        await write(target, encodeSignedTransactionsFile(signed));
        print(
          `${target} has ${signed.transactions.length} signed transactions. Keep a copy: it is needed to revoke them.`,
        );
      }),
    );

  identity
    .command("revoke")
    .description("signs the removal of transactions that were signed before (offline)")
    .argument("<issued>", "the file of signed transactions")
    .option("--only <number>", "number of a transaction, as `show` lists it; repeatable; default: all", list)
    .addOption(keyFile())
    .addOption(out("the signed removals"))
    .addOption(passphraseFile())
    .addOption(yes())
    .action((issuedFile: string, { only, key, out: target, passphraseFile: from, yes: sure }) =>
      told(async () => {
        const { transactions } = decodeSignedTransactionsFile(await read(issuedFile));
        const chosen = only === undefined ? transactions : only.map((given: string) => numbered(transactions, given));
        const text = (await read(key)).toString();
        print("It is to be signed that");
        for (const { transaction } of chosen) {
          print(`  ${transactionInWords({ ...transaction, operation: "Remove" })}`);
        }
        await confirm(sure, prompt);
        const signed = signRevocation(chosen, await open(key, text, from, prompt));
        await write(target, encodeSignedTransactionsFile(signed));
        print(`${target} has ${signed.transactions.length} signed removals; import it at the node.`);
      }),
    );

  identity
    .command("import")
    .description("takes signed transactions into a node; gives it its identity when they are for that; repeatable")
    .argument("<node>", "a node of this network")
    .argument("<file>", "the signed transactions")
    .action((name: string, source: string) =>
      told(async () => {
        const { role, admin } = await options.node(name);
        const file = decodeSignedTransactionsFile(await read(source));
        const outcomes = await importInto(admin, file, { deadlineMs });
        print(describeImport(file, outcomes));
        if (outcomes.some(({ outcome }) => outcome === "refused")) process.exitCode = 1;
        const waiting = waitingForInitialisation(await observeInitialisation(role, admin, { deadlineMs }));
        print(waiting === undefined ? `${name} is initialised.` : `${name} is ${waiting}`);
      }),
    );
  return identity;
}

/** Imports a file as it is meant: an identity and its transactions, or transactions alone. */
function importInto(admin: ClientTarget, file: SignedTransactionsFile, options: NodeCallOptions) {
  return file.member === undefined ? importTopology(admin, file, options) : initialiseFromFile(admin, file, options);
}

/** An import for people, a line for each transaction. */
export function describeImport({ transactions }: SignedTransactionsFile, outcomes: readonly ImportOutcome[]): string {
  return outcomes
    .map((result, index) => {
      const signed = transactions[index];
      const words = signed === undefined ? "" : transactionInWords(signed.transaction);
      const why = result.outcome === "refused" ? `\n     ${result.reason}: ${result.message}` : "";
      return `  ${index + 1}. ${result.outcome}: ${words}${why}`;
    })
    .join("\n");
}

function numbered(transactions: SignedTransactionsFile["transactions"], given: string) {
  const found = /^[1-9]\d*$/.test(given) ? transactions[Number(given) - 1] : undefined;
  if (found !== undefined) return found;
  throw new ConsoleError(
    `--only ${given} is none of the file's transactions.`,
    `Give a number from 1 to ${transactions.length}; \`console identity show\` lists them.`,
  );
}

async function confirm(sure: boolean, prompt: Prompt): Promise<void> {
  if (sure) return;
  if ((await prompt.ask("Sign this? Type yes: ")).trim() !== "yes") {
    throw new ConsoleError("Nothing was signed.", "Answer yes to sign.");
  }
}

async function open(
  file: string,
  text: string,
  passphraseFile: string | undefined,
  prompt: Prompt,
): Promise<SigningKeyPair> {
  const pair = decryptKeyFile(text, await passphraseOf(passphraseFile, prompt));
  if (pair.purpose !== "signing") throw notASigningKey(file);
  return pair;
}

function notASigningKey(file: string): ConsoleError {
  return new ConsoleError(`${file} has a key for encryption.`, "Give the key file of a signing key.");
}

/** Each kind of file says in its beginning what it is. */
function describeFile(file: string, bytes: Buffer): string {
  const text = bytes.toString();
  if (text.startsWith("{")) {
    const { name, fingerprint, publicKey } = readKeyFile(text);
    return `The key ${visibleText(name)} for ${publicKey.purpose}, ${fingerprint}, encrypted with a passphrase.`;
  }
  if (text.startsWith("format:")) {
    const { node, role, identifier, namespace, keys, statements } = parseTopologyRequest(text);
    return [
      `${node} asks to be the ${role} ${identifier} in the namespace ${namespace ?? "of the key that signs"}, with the keys`,
      ...keys.map((key) => `  ${key.name}, for ${key.purpose}, ${key.fingerprint}`),
      "and for",
      ...statements.map((statement) => `  ${Object.values(statement).join(" ")}`),
    ].join("\n");
  }
  const { member, transactions } = decodeSignedTransactionsFile(bytes);
  return [
    `${file} has ${transactions.length} signed transactions${member === undefined ? "" : ` for ${member}`}:`,
    ...transactions.map(
      ({ transaction, key }, index) => `  ${index + 1}. ${transactionInWords(transaction)}\n     signed by ${key.id}`,
    ),
  ].join("\n");
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new ConsoleError(`${file} cannot be read: ${describeFileError(error)}.`, "Give another file.");
  }
}

/** Only its owner may read it, and nothing is overwritten: a key that is lost is lost for ever. */
async function write(file: string, contents: string | Buffer): Promise<void> {
  try {
    await writeFile(file, contents, { mode: 0o600, flag: "wx", flush: true });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "EEXIST" ? "it exists already" : describeFileError(error);
    throw new ConsoleError(`${file} cannot be written: ${why}.`, "Give another file; nothing is overwritten.");
  }
}

/** Tells what a person can correct as such. */
async function told(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof WrongPassphraseError) {
      throw new ConsoleError("The key file does not open.", `${capital(error.message)}.`);
    }
    if (error instanceof ConfigError) {
      throw new ConsoleError(error.problems.join("\n"), "Correct the request, or have it made again.");
    }
    if (error instanceof ProtocolError) {
      throw new ConsoleError(`${capital(error.message)}.`, "Was the right file given, and did it arrive whole?");
    }
    throw error;
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
