import { createLogger } from "@pulumi-canton/runtime/logger.ts";
import { newTrace, withTrace } from "@pulumi-canton/runtime/trace.ts";
import { expect, test } from "vitest";
import { fluentBitConfig, fluentBitParsers } from "./fluent-bit.ts";

/** Reads a file back: sections with their entries, in order. */
function sections(text: string): { name: string; entries: Record<string, string[]> }[] {
  const found: { name: string; entries: Record<string, string[]> }[] = [];
  for (const line of text.split("\n")) {
    const [, name] = /^\[([A-Z]+)\]$/.exec(line) ?? [];
    if (name !== undefined) found.push({ name, entries: {} });
    const [, key = "", value = ""] = /^ {4}(\S+) (.+)$/.exec(line) ?? [];
    const entries = found.at(-1)?.entries;
    if (key !== "" && entries !== undefined) entries[key] = [...(entries[key] ?? []), value];
    else if (line !== "" && name === undefined) throw new Error(`neither a section nor an entry: ${line}`);
  }
  return found;
}

const config = (siem?: { url: string }) =>
  sections(fluentBitConfig({ namespaces: ["canton", "tenant-a"], loki: "loki.m.svc", ...(siem && { siem }) }));
const parser = (name: string) => {
  const entries = sections(fluentBitParsers()).find((section) => section.entries["name"]?.[0] === name)?.entries;
  if (entries === undefined) throw new Error(`there is no parser ${name}`);
  return entries;
};

test("reads the files of every namespace, and no others", () => {
  const inputs = config().filter(({ name }) => name === "INPUT");
  expect(inputs.map(({ entries }) => entries["path"]?.[0])).toEqual([
    "/var/log/containers/*_canton_*.log",
    "/var/log/containers/*_tenant-a_*.log",
  ]);
  const databases = inputs.map(({ entries }) => entries["db"]?.[0]);
  expect(new Set(databases).size).toBe(2);
});

test("a file's name says whose it is", () => {
  const regex = parser("container-file")["regex"]?.[0] ?? "";
  const file = `/var/log/containers/sequencer1-7d4f_canton_node-${"0a".repeat(32)}.log`;
  // Between slashes, as Fluent Bit writes it.
  expect(new RegExp(regex.replace(/^\//, "")).exec(file)?.groups).toEqual({
    pod: "sequencer1-7d4f",
    namespace: "canton",
    container: "node",
  });
});

test("what it takes out of a line is what nodes write", () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ node: "sequencer1", role: "sequencer", destination });
  withTrace(newTrace(), () => logger.warn("x"));
  const line = JSON.parse(lines[0] ?? "");
  expect(line[parser("node-json")["time_key"]?.[0] ?? ""]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const modify = config().find(({ entries }) => entries["name"]?.[0] === "modify")?.entries ?? {};
  const copied = (modify["copy"] ?? []).map((pair) => pair.split(" "));
  for (const [from = ""] of copied) expect(line).toHaveProperty([from]);
  const loki = config().find(({ entries }) => entries["name"]?.[0] === "loki")?.entries ?? {};
  const keys = (text = "") => text.split(", ").map((pair) => pair.split("=$")[1] ?? "");
  expect(keys(loki["structured_metadata"]?.[0])).toEqual(copied.map(([, to]) => to));
  for (const key of keys(loki["labels"]?.[0])) {
    expect({ ...line, namespace: "", pod: "", container: "" }).toHaveProperty([key]);
  }
});

test("a SIEM gets every line over TLS, and its secret is not in the file", () => {
  const output = config({ url: "https://siem.example.com:8088/in?index=canton" }).at(-1)?.entries ?? {};
  expect(output).toMatchObject({
    name: ["http"],
    match: ["*"],
    host: ["siem.example.com"],
    port: ["8088"],
    uri: ["/in?index=canton"],
    tls: ["on"],
    "tls.verify": ["on"],
    header: ["Authorization ${SIEM_AUTHORIZATION}"],
  });
  expect(config().filter(({ name }) => name === "OUTPUT")).toHaveLength(1);
});

test.each(["http://siem.example.com", "siem.example.com"])("a SIEM at %s is refused", (url) => {
  expect(() => config({ url })).toThrow(`logs.siem.url: got "${url}"; expected https`);
});
