/** Fluent Bit's configuration: from the machines' log files to Loki, and to whoever else keeps them. Pure. */
import { httpPorts } from "../kubernetes/names.ts";

/** A log store of somebody else's, such as a SIEM, that takes JSON over HTTPS. */
export interface Siem {
  /** Where the lines are posted, one JSON object a line. Example: `"https://siem.example.com:8088/services/collector/raw"`. */
  readonly url: string;
}

/** What is collected and where it goes. */
export interface FluentBitOptions {
  /** Namespaces whose pods' logs are collected. */
  readonly namespaces: readonly string[];
  /** Host name of Loki. */
  readonly loki: string;
  /** A second place. */
  readonly siem?: Siem;
}

/** Folder of what is on its way and how far each file was read: on the machine, so that a new pod goes on from there. */
export const fluentBitFolder = "/var/lib/fluent-bit";
/** The environment variable with the secret that a SIEM wants: the whole value of the header Authorization. */
export const siemAuthorizationVariable = "SIEM_AUTHORIZATION";

type Value = string | number;
type Section = readonly [name: string, ...entries: (readonly [key: string, value: Value])[]];

const on = "on";

/** Labels of a stream: few values each. What has many, as a trace id, is in the line and beside it. */
const labels = ["namespace", "pod", "container", "node", "role", "level"];
const besides = ["trace_id", "span_id"];

/** The main configuration file. @throws Error for a URL of the SIEM that is not HTTPS */
export function fluentBitConfig({ namespaces, loki, siem }: FluentBitOptions): string {
  const filter = (name: string, ...entries: (readonly [string, Value])[]): Section => [
    "FILTER",
    ["name", name],
    ["match", "*"],
    ...entries,
  ];
  return render([
    [
      "SERVICE",
      ["flush", 1],
      ["log_level", "warn"],
      ["parsers_file", "parsers.conf"],
      ["http_server", on],
      ["http_listen", "0.0.0.0"],
      ["http_port", httpPorts["fluent-bit"]],
      ["health_check", on],
      ["storage.path", `${fluentBitFolder}/buffer`],
      ["storage.sync", "normal"],
      ["storage.metrics", on],
    ],
    ...namespaces.map(
      (namespace): Section => [
        "INPUT",
        ["name", "tail"],
        ["tag", `logs.${namespace}`],
        // POD_NAMESPACE_CONTAINER-ID.log: a namespace has no underscore.
        ["path", `/var/log/containers/*_${namespace}_*.log`],
        ["path_key", "file"],
        ["multiline.parser", "cri"],
        ["db", `${fluentBitFolder}/${namespace}.db`],
        ["mem_buf_limit", "32M"],
        ["skip_long_lines", on],
        ["storage.type", "filesystem"],
      ],
    ),
    filter("parser", ["key_name", "file"], ["parser", "container-file"], ["reserve_data", on]),
    // What is not JSON stays as it is.
    filter("parser", ["key_name", "log"], ["parser", "node-json"], ["reserve_data", on]),
    filter(
      "modify",
      ["copy", "trace-id trace_id"],
      ["copy", "span-id span_id"],
      ["remove", "stream"],
      ["remove", "_p"],
      ["remove", "file"],
    ),
    [
      "OUTPUT",
      ["name", "loki"],
      ["match", "*"],
      ["host", loki],
      ["port", httpPorts.loki],
      ["labels", labels.map((label) => `${label}=$${label}`).join(", ")],
      ["structured_metadata", besides.map((key) => `${key}=$${key}`).join(", ")],
      ["line_format", "json"],
      // Loki may be away for hours: what waits is on the machine's disk, up to this much.
      ["retry_limit", "no_limits"],
      ["storage.total_limit_size", "2G"],
    ],
    ...(siem === undefined ? [] : [siemOutput(siem)]),
  ]);
}

function siemOutput({ url }: Siem): Section {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.protocol !== "https:") {
    throw new Error(`logs.siem.url: got "${url}"; expected https, for example "https://siem.example.com:8088/raw"`);
  }
  return [
    "OUTPUT",
    ["name", "http"],
    ["match", "*"],
    ["host", target.hostname],
    ["port", target.port || 443],
    ["uri", `${target.pathname}${target.search}`],
    ["format", "json_lines"],
    ["json_date_key", "false"],
    ["header", `Authorization \${${siemAuthorizationVariable}}`],
    ["tls", on],
    ["tls.verify", on],
    ["retry_limit", "no_limits"],
    ["storage.total_limit_size", "2G"],
  ];
}

/** The file of parsers. */
export function fluentBitParsers(): string {
  return render([
    [
      "PARSER",
      ["name", "container-file"],
      ["format", "regex"],
      ["regex", String.raw`/(?<pod>[^/_]+)_(?<namespace>[^_]+)_(?<container>.+)-[0-9a-f]{64}\.log$`],
    ],
    [
      "PARSER",
      ["name", "node-json"],
      ["format", "json"],
      ["time_key", "@timestamp"],
      ["time_format", "%Y-%m-%dT%H:%M:%S.%L%z"],
      ["time_keep", on],
    ],
  ]);
}

function render(sections: readonly Section[]): string {
  return sections
    .map(([name, ...entries]) => `[${name}]\n${entries.map(([key, value]) => `    ${key} ${value}\n`).join("")}`)
    .join("\n");
}
