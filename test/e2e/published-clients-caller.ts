/** Calls with stubs made of the published descriptors alone: what they do not know, such a client cannot say or hear. */
import { ChannelCredentials, Client, type ServiceError, status } from "@grpc/grpc-js";
import {
  loadFileDescriptorSetFromBuffer,
  type MessageTypeDefinition,
  type MethodDefinition,
  type ServiceDefinition,
} from "@grpc/proto-loader";
import { fromServiceError } from "@pulumi-canton/runtime/errors.ts";

/** A value as JSON has it, with the names of the published fields; bytes are buffers. */
export type Value = null | boolean | number | string | Buffer | Value[] | { [key: string]: Value };

/** What came of a call. */
export interface Answer {
  /** Name of the status, such as `OK`. */
  readonly code: string;
  /** The error's reason, such as `SYNC_SERVICE_ALREADY_ADDED`; empty when there is none. */
  readonly reason: string;
  /** The error's category; 0 when there is none. */
  readonly category: number;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Fields as in the .proto, enums by name, 64 bits as text, defaults left out. */
  readonly response: { [key: string]: Value };
}

/** A client of any published service. */
export class PublishedClient {
  readonly #methods = new Map<string, MethodDefinition<object, object>>();
  readonly #messages = new Map<string, MessageTypeDefinition<object, object>>();

  /** @param descriptors a serialized `FileDescriptorSet` */
  constructor(descriptors: Buffer) {
    const definitions = loadFileDescriptorSetFromBuffer(descriptors, {
      keepCase: true,
      enums: String,
      longs: String,
      bytes: Buffer,
      defaults: false,
      oneofs: false,
    });
    for (const [name, definition] of Object.entries(definitions)) {
      if ("serialize" in definition) this.#messages.set(name, definition as MessageTypeDefinition<object, object>);
      if ("format" in definition) continue;
      for (const method of Object.values(definition as ServiceDefinition)) this.#methods.set(method.path, method);
    }
  }

  /**
   * The bytes of a message.
   *
   * @param type `package.Message`
   */
  encode(type: string, message: object): Buffer {
    const definition = this.#messages.get(type);
    if (definition === undefined) throw new Error(`${type} is not among the published messages`);
    return definition.serialize(message);
  }

  /**
   * Makes one unary call on a connection of its own.
   *
   * @param url `http://host:port`
   * @param path `/package.Service/Method`
   */
  call(url: string, path: string, request: object = {}): Promise<Answer> {
    const method = this.#methods.get(path);
    if (method === undefined) throw new Error(`${path} is not among the published methods`);
    const client = new Client(new URL(url).host, ChannelCredentials.createInsecure());
    return new Promise<Answer>((resolve) => {
      client.makeUnaryRequest(
        path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        { deadline: Date.now() + 30_000 },
        (error: ServiceError | null, response?: object) => resolve(error === null ? answered(response) : failed(error)),
      );
    }).finally(() => client.close());
  }
}

function answered(response: object | undefined): Answer {
  return { code: "OK", reason: "", category: 0, message: "", metadata: {}, response: response as Answer["response"] };
}

function failed(error: ServiceError): Answer {
  const { reason, category, message, metadata } = fromServiceError(error);
  return { code: status[error.code] ?? String(error.code), reason, category, message, metadata, response: {} };
}

/** The paths of all fields that are present in a value, each once: `results[].context.store`. */
export function fieldsOf(value: unknown, path = "", found = new Set<string>()): Set<string> {
  if (isMap(value)) fieldsOf(Object.fromEntries(value.map((entry) => [entry.key, entry.value])), path, found);
  else if (Array.isArray(value)) for (const each of value) fieldsOf(each, `${path}[]`, found);
  else if (typeof value === "object" && value !== null && !Buffer.isBuffer(value) && !("base64_cut" in value)) {
    if (Object.keys(value).length === 0 && path !== "") found.add(path);
    for (const [key, each] of Object.entries(value)) fieldsOf(each, path === "" ? key : `${path}.${key}`, found);
  } else found.add(path);
  return found;
}

/** A map field, which stubs made of descriptors see as what it is on the wire: a list of keys and values. */
function isMap(value: unknown): value is { key: string; value: unknown }[] {
  const isEntry = (each: unknown) =>
    typeof each === "object" &&
    each !== null &&
    "key" in each &&
    Object.keys(each).every((k) => /^(key|value)$/.test(k));
  return Array.isArray(value) && value.length > 0 && value.every(isEntry);
}
