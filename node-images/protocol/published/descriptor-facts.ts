/**
 * What a set of .proto files says on the wire, reduced to facts that can be compared and kept in a file: nothing of
 * comments, options or the order of declarations.
 */
export interface DescriptorFacts {
  /** By full name: `number name label type` of each field in order of the numbers, with ` oneof NAME` where it is in one. */
  messages: Record<string, string[]>;
  /** By full name: `number name` of each value in order of the numbers. */
  enums: Record<string, string[]>;
  /** By full name: `name(input) returns (output)` of each rpc in order of the names, with `stream` where it streams. */
  services: Record<string, string[]>;
}

// The parts that are needed of google/protobuf/descriptor.proto in its JSON form.
interface FieldJson {
  name: string;
  number: number;
  label?: string;
  type: string;
  typeName?: string;
  oneofIndex?: number;
  proto3Optional?: boolean;
}
interface EnumJson {
  name: string;
  value?: { name: string; number: number }[];
}
interface MessageJson {
  name: string;
  field?: FieldJson[];
  nestedType?: MessageJson[];
  enumType?: EnumJson[];
  oneofDecl?: { name: string }[];
}
interface ServiceJson {
  name: string;
  method?: {
    name: string;
    inputType: string;
    outputType: string;
    clientStreaming?: boolean;
    serverStreaming?: boolean;
  }[];
}
interface FileJson {
  name: string;
  package?: string;
  messageType?: MessageJson[];
  enumType?: EnumJson[];
  service?: ServiceJson[];
}

/** The facts of one or more files of a `FileDescriptorSet` in JSON, as `buf build -o -#format=json` prints it. */
export function descriptorFacts(files: readonly FileJson[]): DescriptorFacts {
  const facts: DescriptorFacts = { messages: {}, enums: {}, services: {} };
  for (const file of files) {
    const scope = file.package ?? "";
    for (const message of file.messageType ?? []) addMessage(facts, scope, message);
    for (const declaration of file.enumType ?? []) addEnum(facts, scope, declaration);
    for (const { name, method } of file.service ?? []) {
      facts.services[`${scope}.${name}`] = (method ?? [])
        .map(({ name, inputType, outputType, clientStreaming, serverStreaming }) => {
          const input = `${clientStreaming ? "stream " : ""}${inputType.slice(1)}`;
          const output = `${serverStreaming ? "stream " : ""}${outputType.slice(1)}`;
          return `${name}(${input}) returns (${output})`;
        })
        .sort();
    }
  }
  return facts;
}

/** The files of a `FileDescriptorSet` in JSON, by their names. */
export function filesByName(set: { file: FileJson[] }): Map<string, FileJson> {
  return new Map(set.file.map((file) => [file.name, file]));
}

function addMessage(facts: DescriptorFacts, scope: string, message: MessageJson): void {
  const name = `${scope}.${message.name}`;
  facts.messages[name] = (message.field ?? [])
    .toSorted((a, b) => a.number - b.number)
    .map((field) => describeField(field, message));
  for (const nested of message.nestedType ?? []) addMessage(facts, name, nested);
  for (const declaration of message.enumType ?? []) addEnum(facts, name, declaration);
}

function describeField(field: FieldJson, { oneofDecl }: MessageJson): string {
  const label = field.proto3Optional ? "optional" : field.label === "LABEL_REPEATED" ? "repeated" : "single";
  const type = field.typeName?.slice(1) ?? field.type.replace("TYPE_", "").toLowerCase();
  const oneof =
    field.oneofIndex === undefined || field.proto3Optional ? undefined : oneofDecl?.[field.oneofIndex]?.name;
  return `${field.number} ${field.name} ${label} ${type}${oneof === undefined ? "" : ` oneof ${oneof}`}`;
}

function addEnum(facts: DescriptorFacts, scope: string, { name, value }: EnumJson): void {
  facts.enums[`${scope}.${name}`] = (value ?? [])
    .toSorted((a, b) => a.number - b.number || (a.name < b.name ? -1 : 1))
    .map((entry) => `${entry.number} ${entry.name}`);
}
