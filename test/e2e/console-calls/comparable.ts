/** What two networks can agree on: messages without what differs from one to the next. */

/** A value as JSON has it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const fingerprint = /1220[0-9a-f]{64}/g;
const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** Fields in which only that they are there can be compared. */
const opaque = new Map([
  ["valid_from", "<time>"],
  ["valid_until", "<time>"],
  ["sequenced", "<time>"],
  ["current_time", "<time>"],
  ["uptime", "<duration>"],
  ["ports", "<ports>"],
  ["supported_protocol_versions", "<versions>"],
  ["components", "<components>"],
  ["version", "<version>"],
  ["serialized", "<bytes>"],
  ["transaction", "<bytes>"],
  ["key_pair", "<bytes>"],
  ["extra", "<bytes>"],
]);

/** Names for fingerprints: those that are not among them are only said to be fingerprints. */
export type Names = ReadonlyMap<string, string>;

/** A text with names in the place of fingerprints: `participant1::<participant1>`. */
function named(text: string, names: Names): string {
  return text.replaceAll(fingerprint, (found) => `<${names.get(found) ?? "fingerprint"}>`).replaceAll(uuid, "<uuid>");
}

/** A text with names in the place of those fingerprints that have one. */
export function namedIfKnown(text: string, names: Names): string {
  return text.replaceAll(fingerprint, (found) => (names.has(found) ? `<${names.get(found)}>` : found));
}

/**
 * A message of an answer, to be compared with another network's: opaque fields say only what they are, and lists are
 * sorted and have each element once, since their order and, of much that is in them, their number are up to the node.
 */
export function comparable(value: unknown, names: Names): Json {
  if (Buffer.isBuffer(value)) return "<bytes>";
  if (Array.isArray(value)) {
    if (isMap(value)) {
      return comparable(Object.fromEntries(value.map((entry) => [entry.key, entry.value ?? ""])), names);
    }
    const elements = value
      .filter((each) => each?._cut === undefined)
      .map((each) => JSON.stringify(comparable(each, names)));
    return [...new Set(elements)].sort().map((each) => JSON.parse(each));
  }
  if (typeof value === "string") return named(value, names);
  if (typeof value !== "object" || value === null) return value as Json;
  if ("base64_cut" in value || "removed" in value) return "<bytes>";
  const fields = Object.entries(value).flatMap(([key, each]): [string, Json][] => {
    // Keys of other libraries than ours have other formats.
    if (key === "format" || (Array.isArray(each) && each.length === 0)) return [];
    const kind = opaque.get(key) ?? (key === "public_key" && typeof each === "string" ? "<bytes>" : undefined);
    return [[named(key, names), kind ?? comparable(each, names)]];
  });
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A map field, which stubs made of descriptors see as what it is on the wire: a list of keys and values. */
function isMap(value: readonly unknown[]): value is { key: string; value?: unknown }[] {
  const isEntry = (each: unknown) =>
    typeof each === "object" &&
    each !== null &&
    "key" in each &&
    Object.keys(each).every((k) => /^(key|value)$/.test(k));
  return value.length > 0 && value.every(isEntry);
}
