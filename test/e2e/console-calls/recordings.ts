/** Makes facts of recordings of a real Canton's exchanges, which are not part of the repository. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { comparable, type Json, namedIfKnown } from "./comparable.ts";
import type { Facts, RecordedCall, Refusal } from "./facts.ts";

interface Exchange {
  node: string;
  api: string;
  method: string;
  request: { [key: string]: Json };
  responses: { [key: string]: Json }[];
  repeats?: number;
  status: { name: string; details?: { reason?: string; metadata?: Record<string, string> }[] };
}

/** Names of recordings in a folder, in the order in which they were made. */
export function recordingsIn(folder: string): string[] {
  const index = readFileSync(join(folder, "INDEX.md"), "utf8");
  const names = [...index.matchAll(/^\| ([\w.-]+)\.json \|/gm)].map(([, name]) => name ?? "");
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  if (files.some((file) => !names.includes(file.slice(0, -5)))) throw new Error(`${folder}: INDEX.md lacks a file`);
  return names;
}

/**
 * The facts of recordings.
 *
 * @param folder where the recordings are
 * @param wanted names of those that are wanted
 */
export function factsOf(folder: string, wanted: readonly string[]): Facts {
  const recordings = new Map(recordingsIn(folder).map((name) => [name, exchangesOf(folder, name)]));
  const names = new Map<string, string>();
  for (const exchanges of recordings.values()) nameNamespaces(JSON.stringify(exchanges), names);
  nameKeys(recordings.get("keys.secret.list") ?? [], names);
  for (const [name, exchanges] of recordings) {
    const made = exchanges.flatMap(({ responses }) => madeKey(responses[0]) ?? []);
    for (const [n, key] of made.entries()) if (!names.has(key)) names.set(key, `${name}#${n}`);
  }
  return Object.fromEntries(
    wanted.map((name) => {
      const exchanges = recordings.get(name);
      if (exchanges === undefined) throw new Error(`${folder} has no ${name}.json`);
      return [name, withoutRepeats(exchanges).map((exchange) => callOf(exchange, names))];
    }),
  );
}

/** The key that an answer brings. */
export function madeKey(response: unknown): string | undefined {
  const id = (response as { public_key?: { id?: unknown } } | undefined)?.public_key?.id;
  return typeof id === "string" ? id : undefined;
}

function exchangesOf(folder: string, name: string): Exchange[] {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")).calls;
}

function nameNamespaces(text: string, names: Map<string, string>): void {
  for (const [, node, found] of text.matchAll(/\b(participant[123]|mydomain|manual\w+)::(1220[0-9a-f]{64})/g)) {
    if (node !== undefined && found !== undefined) names.set(found, node);
  }
}

/** The keys that participant 1 made for itself have names. */
function nameKeys(exchanges: readonly Exchange[], names: Map<string, string>): void {
  const visit = (value: unknown, name: string): void => {
    if (typeof value !== "object" || value === null) return;
    const fields = value as { [key: string]: unknown };
    const own = typeof fields["name"] === "string" ? fields["name"] : name;
    if (typeof fields["id"] === "string" && own !== "" && !names.has(fields["id"])) names.set(fields["id"], own);
    for (const each of Object.values(fields)) visit(each, own);
  };
  visit(exchanges, "");
}

interface Once extends Exchange {
  polled: boolean;
}

/** A call that was made several times in a row is one, with the last answer; status is asked for until nothing waits. */
function withoutRepeats(exchanges: readonly Exchange[]): Once[] {
  const calls: Once[] = [];
  for (const exchange of exchanges) {
    const last = calls.at(-1);
    const key = ({ node, method, request }: Exchange) => JSON.stringify([node, method, request]);
    const again = last !== undefined && key(last) === key(exchange);
    if (again) calls.pop();
    calls.push({
      ...exchange,
      polled: again || (exchange.repeats ?? 1) > 1 || /\/(Participant|Domain)Status$/.test(exchange.method),
    });
  }
  return calls;
}

function callOf(
  { node, api, method, request, responses, status, polled }: Once,
  names: Map<string, string>,
): RecordedCall {
  return {
    to: `${node} ${api}`,
    method,
    ...(Object.keys(request).length > 0 && { request: JSON.parse(namedIfKnown(JSON.stringify(request), names)) }),
    ...(polled && { polled }),
    ...(status.name === "OK"
      ? { answer: idle(comparable(responses[0] ?? {}, names)) }
      : { refusal: refusalOf(status) }),
  };
}

function refusalOf({ name, details = [] }: Exchange["status"]): Refusal {
  const info = details.find(({ reason }) => reason !== undefined);
  if (info === undefined) return { code: name };
  const { category, tid: _, ...metadata } = info.metadata ?? {};
  return { code: name, reason: `${info.reason}(${category})`, metadata: Object.keys(metadata).sort() };
}

/** What the console waits for: nothing is on its way. */
function idle(answer: Json): Json {
  return JSON.parse(JSON.stringify(answer), (key, value) => (key === "topology_queues" ? {} : value));
}
