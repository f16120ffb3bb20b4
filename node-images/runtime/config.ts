/**
 * Configuration: one YAML file a process, checked before anything starts.
 *
 * All problems of a file are told in one {@link ConfigError}, each with the full key, the line, what was given, what is
 * accepted, and, for an unknown key, the known one that was probably meant. Values of keys that hold secrets are not repeated.
 */
import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { durationSyntax, parseDuration } from "./durations.ts";
import { logLevels, redactText } from "./logger.ts";

/** A configuration that cannot be used. Its message is for people and complete: no stack is needed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** One entry a problem, each starting with the full key. */
  readonly problems: readonly string[];

  /**
   * @param problems each starts with the full key
   * @param file where the configuration comes from, when it is a file
   */
  constructor(problems: readonly string[], file?: string) {
    const heading = file === undefined ? "Configuration" : `Configuration file ${file}`;
    super(
      problems.length === 1
        ? `${heading}: ${problems[0]}`
        : `${heading} has ${problems.length} problems:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
    this.problems = problems;
  }
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True for an address that only this machine reaches: 127.0.0.0/8, ::1 or localhost. */
export function isLoopback(address: string): boolean {
  const host = address.startsWith("[") && address.endsWith("]") ? address.slice(1, -1) : address;
  const version = isIP(host);
  if (version === 0) return host === "localhost";
  return loopback.check(host, version === 4 ? "ipv4" : "ipv6");
}

/** A duration as text, such as `30s`; parsed to whole milliseconds. */
export const durationSchema = z.string(`expected ${durationSyntax}`).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: "custom", message: `expected ${durationSyntax}` });
  return z.NEVER;
});

/** A TCP port; 0 takes any free one. */
export const portSchema = z.int().min(0).max(65_535);

const addressPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?)$/;
/** A host name or an IP address. */
export const addressSchema = z
  .string()
  .max(253)
  .regex(addressPattern, 'expected a host name or an IP address, for example "127.0.0.1"');

/** Path of a file: absolute, or relative to the working directory of the process. */
export const fileSchema = z.string().min(1);

/** TLS of a server. With `clientCaFile` only clients with a certificate of that authority are let in. PEM files. */
export const serverTlsSchema = z.strictObject({
  certChainFile: fileSchema,
  privateKeyFile: fileSchema,
  clientCaFile: fileSchema.optional(),
});

/** A gRPC server: an address that other machines reach needs `tls`. */
export const serverSchema = z
  .strictObject({
    address: addressSchema.default("127.0.0.1"),
    port: portSchema,
    tls: serverTlsSchema.optional(),
    /** Bytes; default 10 MiB, as Canton. */
    maxInboundMessageSize: z
      .int()
      .min(1024)
      .max(2 ** 31 - 1)
      .optional(),
  })
  .superRefine((server, context) => {
    if (server.tls !== undefined || isLoopback(server.address)) return;
    context.addIssue({ code: "custom", path: ["tls"], message: nonLoopbackRefusal(server.address) });
  });

/** Why a server without TLS does not start on an address that others reach. */
export function nonLoopbackRefusal(address: string): string {
  return `is required because address ${JSON.stringify(address)} is reachable from other machines; expected certChainFile and privateKeyFile, or a loopback address such as "127.0.0.1"`;
}

/** A gRPC server that a node calls. `tls: {}` trusts the machine's certificate authorities, `caFile` those in a PEM file. */
export const endpointSchema = z.strictObject({
  address: addressSchema,
  port: portSchema.min(1),
  tls: z
    .strictObject({
      caFile: fileSchema.optional(),
      certChainFile: fileSchema.optional(),
      privateKeyFile: fileSchema.optional(),
    })
    .optional(),
});

/** A plain HTTP listener for probes and metrics; nothing secret is served. */
export const httpSchema = z.strictObject({ address: addressSchema.default("127.0.0.1"), port: portSchema });

/** A PostgreSQL database. The password is in a file that others on the machine must not be able to read. */
export const storageSchema = z.strictObject({
  host: addressSchema,
  port: portSchema.min(1).default(5432),
  database: z.string().min(1).max(63),
  user: z.string().min(1).max(63),
  passwordFile: fileSchema,
  maxConnections: z.int().min(2).max(1000).default(8),
  /** Absent: no TLS. `tls: {}` trusts the machine's certificate authorities, `caFile` those in a PEM file. */
  tls: z.strictObject({ caFile: fileSchema.optional() }).optional(),
  /** Longest time of one statement; default 60s. */
  statementTimeout: durationSchema.optional(),
});

/** How a node gets its identity. */
export const initSchema = z.strictObject({
  /** False: the operator makes the keys and the identity, step by step. */
  auto: z.boolean().default(true),
  identity: z
    .strictObject({
      nodeIdentifier: z
        .discriminatedUnion("type", [
          z.strictObject({ type: z.literal("config") }),
          z.strictObject({
            type: z.literal("explicit"),
            // No "::", which separates an identifier from its namespace, and no ":" beside it.
            name: z
              .string()
              .regex(
                /^(?!:)(?!.*::)[A-Za-z0-9:_ -]{1,185}(?<!:)$/,
                "expected 1 to 185 of: letters a-z and A-Z, digits, '-', '_', space and single ':' within",
              ),
          }),
          z.strictObject({ type: z.literal("random") }),
        ])
        .prefault({ type: "config" }),
    })
    .prefault({}),
});

/** Credentials and keys in the clear go to it, so nobody may be on the way. */
const secureUrlSchema = (example: string) =>
  z.url({ protocol: /^https?$/, error: `expected a URL, for example "${example}"` }).refine((text) => {
    const { protocol, hostname } = new URL(text);
    return protocol === "https:" || isLoopback(hostname);
  }, "expected https, or http on a loopback address");
const endpointUrlSchema = secureUrlSchema("https://kms.example.com").optional();

/**
 * What encrypts the key under which a node's private keys are stored. Credentials are never in this file: the clouds' own
 * libraries find them (workload identity, instance role, environment), Vault's are in `tokenFile`.
 */
export const keyEncryptionSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("passphrase"),
    /** Others on the machine must not be able to read it. */
    passphraseFile: fileSchema,
    /** Binary logarithm of scrypt's cost: every step doubles time and memory. Default 17: 128 MiB. */
    scryptCost: z.int().min(14).max(20).default(17),
  }),
  z.strictObject({
    type: z.literal("aws-kms"),
    /** Id, ARN or alias of a symmetric key. */
    keyId: z.string().min(1).max(2048),
    /** Default: as the AWS library finds it. */
    region: z.string().min(1).optional(),
    endpoint: endpointUrlSchema,
  }),
  z.strictObject({
    type: z.literal("gcp-kms"),
    /** Resource name of a symmetric key. */
    keyId: z
      .string()
      .regex(
        /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
        'expected "projects/…/locations/…/keyRings/…/cryptoKeys/…"',
      ),
    endpoint: endpointUrlSchema,
  }),
  z.strictObject({
    type: z.literal("azure-key-vault"),
    /** Identifier of an RSA key with its version: Key Vault does not tell by the ciphertext which version made it. */
    keyId: z
      .string()
      .regex(
        /^https:\/\/[^/]+\/keys\/[^/]+\/[^/]+$/,
        'expected the identifier of a key with its version, for example "https://v.vault.azure.net/keys/name/4f1c…"',
      ),
    /** PEM file of the authorities to trust. Default: those of the machine. */
    caFile: fileSchema.optional(),
  }),
  z.strictObject({
    type: z.literal("vault"),
    /** Address of Vault or OpenBao. */
    address: secureUrlSchema("https://vault.example.com:8200"),
    /** Where the transit engine is mounted. */
    mount: z
      .string()
      .regex(/^[^/].*[^/]$/)
      .default("transit"),
    /** Name of the key in the transit engine. */
    keyId: z.string().regex(/^[^/]+$/, "expected the name of a key of the transit engine"),
    /** Read anew for every call, so that an agent may renew it. Others on the machine must not be able to read it. */
    tokenFile: fileSchema,
    namespace: z.string().min(1).optional(),
    caFile: fileSchema.optional(),
  }),
]);

/** How private keys are kept. */
export const cryptoSchema = z.strictObject({
  /** Absent: private keys are stored as they are, and the node says so when it starts. */
  keyEncryption: keyEncryptionSchema.optional(),
  /** What they were encrypted with until now, when that changes: opens them once, then may be removed. */
  previousKeyEncryption: keyEncryptionSchema.optional(),
  /** How long to wait for a key management service that does not answer. */
  keyEncryptionTimeout: durationSchema.prefault("60s"),
});

/** What every node's file has; a role adds its own keys with `.extend`. */
export const baseNodeSchema = z.strictObject({
  /** The node's name: in logs and metrics, and in its identity unless `init` says otherwise. */
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
      "expected 1 to 64 letters, digits, - or _, starting with a letter or digit",
    ),
  adminApi: serverSchema,
  health: httpSchema,
  /** May be the same address and port as `health`. */
  metrics: httpSchema.optional(),
  storage: storageSchema,
  init: initSchema.prefault({}),
  crypto: cryptoSchema.prefault({}),
  logging: z.strictObject({ level: z.enum(logLevels).default("info") }).prefault({}),
});

/** A gRPC server's configuration. */
export type ServerConfig = z.output<typeof serverSchema>;
/** TLS of a gRPC server. */
export type ServerTlsConfig = z.output<typeof serverTlsSchema>;
/** Where a gRPC server is. */
export type EndpointConfig = z.output<typeof endpointSchema>;
/** A plain HTTP listener. */
export type HttpConfig = z.output<typeof httpSchema>;
/** A PostgreSQL database. */
export type StorageConfig = z.output<typeof storageSchema>;
/** How a node gets its identity. */
export type InitConfig = z.output<typeof initSchema>;
/** What encrypts the key under which private keys are stored. */
export type KeyEncryptionConfig = z.output<typeof keyEncryptionSchema>;
/** How private keys are kept. */
export type CryptoConfig = z.output<typeof cryptoSchema>;
/** What every node's configuration has. */
export type BaseNodeConfig = z.output<typeof baseNodeSchema>;

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

const secretKey = /pass(word|phrase)|secret|token|key$|credential/i;

/** Whether the value of a key is a secret, by its name. Example: `"sharedKey"`. */
export function holdsSecret(key: string): boolean {
  return secretKey.test(key);
}

function keyOf(path: Path): string {
  const key = path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
  return key === "" ? "the file" : key;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a section";
  const text = typeof value === "string" ? JSON.stringify(redactText(value)) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** Number of single-character edits between two words, neighbours swapped counting as one. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (beforePrevious[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The word among `known` that was probably meant, or `undefined` when none is near. */
export function nearMiss(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_\s]/g, "");
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(plain(word), plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best === undefined) return undefined;
  return best.distance <= Math.max(1, Math.floor(Math.min(word.length, best.candidate.length) / 3))
    ? best.candidate
    : undefined;
}

/** The part of a zod definition that is needed to walk into a schema. */
interface Definition {
  type: string;
  shape?: Record<string, z.core.$ZodType>;
  innerType?: z.core.$ZodType;
  in?: z.core.$ZodType;
  element?: z.core.$ZodType;
  valueType?: z.core.$ZodType;
  options?: z.core.$ZodType[];
}

/** Names of the keys that a schema knows at a path. */
function knownKeys(schema: z.core.$ZodType, path: Path): string[] {
  const definition = schema._zod.def as unknown as Definition;
  const inner = definition.innerType ?? definition.in;
  if (inner !== undefined) return knownKeys(inner, path);
  if (definition.options !== undefined)
    return [...new Set(definition.options.flatMap((option) => knownKeys(option, path)))];
  const [head, ...rest] = path;
  if (head === undefined) return Object.keys(definition.shape ?? {});
  const next = definition.shape?.[String(head)] ?? definition.element ?? definition.valueType;
  return next === undefined ? [] : knownKeys(next, rest);
}

const typeNames: Record<string, string> = {
  int: "a whole number",
  number: "a number",
  string: "a text",
  boolean: "true or false",
  object: "a section with keys",
  record: "a section with keys",
  array: "a list",
};

function accepted(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.length === 1 ? "" : "one of "}${issue.values.map((value) => show(value)).join(", ")}`;
    case "too_small":
    case "too_big": {
      const bound = issue.code === "too_small" ? issue.minimum : issue.maximum;
      const limit = issue.code === "too_small" ? "at least" : "at most";
      if (issue.origin === "string")
        return bound === 1 && issue.code === "too_small"
          ? "expected a text that is not empty"
          : `expected ${limit} ${bound} characters`;
      return `expected ${limit} ${bound}${issue.origin === "array" ? " entries" : ""}`;
    }
    default:
      return issue.message;
  }
}

/** The issues of the alternative that was probably meant: the one with the fewest. */
function flatten(issue: Issue, path: Path): { issue: Issue; path: Path }[] {
  const here = [...path, ...issue.path];
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ issue, path: here }];
  const [best = []] = [...issue.errors].sort((a, b) => a.length - b.length);
  return best.flatMap((inner) => flatten(inner, here));
}

/** All problems of a value, as texts that start with the full key. */
function describeIssues(
  schema: z.ZodType,
  value: unknown,
  error: z.ZodError,
  lineOf: (path: Path) => number | undefined,
): string[] {
  return error.issues
    .flatMap((issue) => flatten(issue, []))
    .flatMap(({ issue, path }) => {
      const at = (where: Path) => {
        const line = lineOf(where);
        return `${keyOf(where)}${line === undefined ? "" : ` (line ${line})`}`;
      };
      if (issue.code === "unrecognized_keys") {
        const known = knownKeys(schema, path);
        return issue.keys.map((key) => {
          const near = nearMiss(key, known);
          const hint = near === undefined ? "." : `; did you mean ${near}?`;
          return `${at([...path, key])}: unknown key${hint} Accepted here: ${known.join(", ") || "nothing"}`;
        });
      }
      const given = valueAt(value, path);
      const last = path.at(-1);
      if (issue.code === "invalid_union" && "discriminator" in issue && issue.discriminator !== undefined) {
        const section = path.at(-1) === issue.discriminator ? path.slice(0, -1) : path;
        const where = [...section, issue.discriminator];
        const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(show).join(", ") : "";
        const got = valueAt(value, where);
        return [`${at(where)}: ${got === undefined ? "is required" : `got ${show(got)}`}; expected one of ${options}`];
      }
      const text = accepted(issue);
      if (issue.code === "custom" && text.startsWith("is ")) return [`${at(path)} ${text}`];
      if (given === undefined || given === null) return [`${at(path)} is required; ${text}`];
      const shown = typeof last === "string" && holdsSecret(last) ? "a value that is not repeated here" : show(given);
      return [`${at(path)}: got ${shown}; ${text}`];
    });
}

/**
 * Checks a value that was not read from a file.
 *
 * @throws ConfigError with all problems
 */
export function checkConfig<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ConfigError(describeIssues(schema, value, result.error, () => undefined));
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([`cannot be read: ${describeFileError(error)}`], file);
  }
}

/** What a failed file operation means, for people. */
export function describeFileError(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "the user that runs this process may not read it";
    case "EISDIR":
      return "it is a folder";
    default:
      return code ?? String(error);
  }
}

/**
 * Reads a YAML file and checks it.
 *
 * @param file path of the file
 * @throws ConfigError when the file is absent or unreadable, is not YAML, or has values that the schema does not accept
 */
export function loadConfig<S extends z.ZodType>(schema: S, file: string): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(readConfigFile(file), { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return `line ${line}, column ${col}: is not valid YAML: ${error.message}`;
      }),
      file,
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigError([`is not valid YAML: ${(error as Error).message}`], file);
  }
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  throw new ConfigError(
    describeIssues(schema, value, result.error, (path) => lineOf(document, lines, path)),
    file,
  );
}

/** The line of a key, or of the section that lacks it. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: Path): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const section = document.getIn(path.slice(0, length - 1), true);
    const key = isMap(section)
      ? section.items.find((item) => isScalar(item.key) && item.key.value === path[length - 1])?.key
      : undefined;
    const node = key ?? document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}
