/**
 * For tests: exchanges recorded between a client and a real Canton, replayed against our services and compared.
 *
 * The recordings are not part of the repository: they lie in `shared/observed` beside it, where there is such a folder.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ChannelCredentials, Client, type ServiceError, status } from "@grpc/grpc-js";
import { loadSync, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import { fromServiceError } from "@pulumi-canton/runtime/errors.ts";

/** Where the recordings are. */
export const observedFolder = new URL("../../../../shared/observed/", import.meta.url);

/** Whether there are any. */
export const haveObserved = existsSync(observedFolder);

/** A value as JSON has it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** One recorded call. */
export interface ObservedCall {
  node: string;
  /** `admin`, `ledger` or `public`. */
  api: string;
  method: string;
  request: Json;
  responses: Json[];
  status: { code: number; name: string; message?: string };
  details?: { reason?: string; metadata?: Record<string, string> }[];
}

/** What came of a call, in the form of the recordings. */
export interface Answer {
  code: string;
  /** Without `REASON(category,trace id): `. */
  message: string;
  reason: string;
  metadata: Record<string, string>;
  response: Json;
}

/** The calls of a recording. */
export function readObserved(file: string): ObservedCall[] {
  return JSON.parse(readFileSync(new URL(file, observedFolder), "utf8")).calls;
}

/** The namespace of a node as it occurs in recordings, for example as `participant1::1220…`. */
export function recordedNamespace(files: readonly string[], name: string): string | undefined {
  for (const file of files) {
    const text = readFileSync(new URL(file, observedFolder), "utf8");
    const found = new RegExp(`\\b${name}::(1220[0-9a-f]{64})`).exec(text);
    if (found !== null) return found[1];
  }
  return undefined;
}

/** What Canton answered, in the form in which {@link ObservedClient.call} answers. */
export function recordedAnswer(call: ObservedCall): Answer {
  const { name, message = "", ...rest } = call.status as ObservedCall["status"] & Pick<ObservedCall, "details">;
  const info = (rest.details ?? call.details ?? []).find(({ reason }) => reason !== undefined);
  const { tid: _, category, ...metadata } = info?.metadata ?? {};
  const reason = info?.reason ?? "";
  const prefix = new RegExp(`^${reason}\\(${category},[^)]*\\): `);
  return {
    code: name,
    message: reason === "" ? message : message.replace(prefix, ""),
    reason: reason === "" ? "" : `${reason}(${category})`,
    metadata,
    response: call.responses[0] ?? null,
  };
}

const protoRoot = fileURLToPath(new URL("../../protocol/proto/", import.meta.url));
const protoFiles = [
  "com/digitalasset/canton/connection/v30/api_info.proto",
  "com/digitalasset/canton/crypto/admin/v0/vault_service.proto",
  "com/digitalasset/canton/topology/admin/v0/initialization_service.proto",
  "com/digitalasset/canton/topology/admin/v0/topology_aggregation_service.proto",
  "com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.proto",
  "com/digitalasset/canton/topology/admin/v0/topology_manager_write_service.proto",
];

/** Field names as in the .proto, enums by name, 64 bits as strings, defaults left out: the form of the recordings. */
const definitions = loadSync(protoFiles, {
  includeDirs: [protoRoot],
  keepCase: true,
  enums: String,
  longs: String,
  bytes: Buffer,
  defaults: false,
  oneofs: false,
});

const methods = new Map<string, MethodDefinition<object, object>>();
for (const definition of Object.values(definitions)) {
  if ("format" in definition) continue;
  for (const method of Object.values(definition as ServiceDefinition)) methods.set(method.path, method);
}

/** Whether a recorded call is to one of our services. */
export function isOurs(call: ObservedCall): boolean {
  return methods.has(call.method);
}

/** Calls a node with requests in the form of the recordings; knows nothing of our generated code. */
export class ObservedClient {
  readonly #client: Client;

  /** @param port of the node's server on loopback */
  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, ChannelCredentials.createInsecure());
  }

  async call(path: string, request: Json): Promise<Answer> {
    const method = methods.get(path);
    if (method === undefined) throw new Error(`${path} is none of our methods`);
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        method.requestSerialize,
        method.responseDeserialize,
        request as object,
        { deadline: Date.now() + 20_000 },
        (error: ServiceError | null, response?: object) => resolve(error === null ? ok(response) : failed(error)),
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

function ok(response: object | undefined): Answer {
  return { code: "OK", message: "", reason: "", metadata: {}, response: asJson(response ?? {}) };
}

function failed(serviceError: ServiceError): Answer {
  const error = fromServiceError(serviceError);
  return {
    code: status[error.code] ?? String(error.code),
    message: error.message,
    reason: error.reason === "" ? "" : `${error.reason}(${error.category})`,
    metadata: { ...error.metadata },
    response: null,
  };
}

/** Messages that proto-loader read, as JSON: empty lists are left out, as the recordings leave them out. */
function asJson(value: unknown): Json {
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== "object" || value === null) return value as Json;
  const entries = Object.entries(value).filter(([, each]) => !(Array.isArray(each) && each.length === 0));
  return Object.fromEntries(entries.map(([key, each]) => [key, asJson(each)]));
}

const bytesFields = new Set(["serialized", "transaction", "key_pair", "public_key"]);
const timeFields = new Set(["valid_from", "valid_until", "sequenced"]);

/**
 * A response without what differs from one run to the next: times, bytes, and the format of keys, which in ours is not
 * Tink's. Lists are sorted, since Canton's come in no order.
 */
export function comparable(value: Json): Json {
  if (Array.isArray(value)) {
    return value.map(comparable).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, each]): [string, Json][] => {
    if (timeFields.has(key)) return [[key, "<time>"]];
    const isBytes =
      typeof each === "string" || (typeof each === "object" && each !== null && "full_length_bytes" in each);
    if (bytesFields.has(key) && isBytes) return [[key, "<bytes>"]];
    return key === "format" ? [] : [[key, comparable(each)]];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The shape of a response: which fields there are, whatever is in them; of lists, all shapes that occur in them. */
export function shapeOf(value: Json): Json {
  if (Array.isArray(value)) {
    return [...new Set(value.map((each) => JSON.stringify(shapeOf(each))))].sort().map((each) => JSON.parse(each));
  }
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shapeOf(each)]));
}

/** A text of an error without what differs: element ids, line breaks, whether a fingerprint is cut short, and how a
 * library words broken bytes. */
export function comparableText(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll("( ", "(")
    .replaceAll(" )", ")")
    .replaceAll(/id = [A-Za-z0-9]{32}\b/g, "id = <element>")
    .replaceAll(/(1220[0-9a-f]{8})[0-9a-f]{56}/g, "$1...")
    .replaceAll(/format = \w+/g, "format = <format>")
    .replace(/BufferException\(.*/, "BufferException(…)")
    .replace(/The supported versions are .*/, "The supported versions are …");
}
