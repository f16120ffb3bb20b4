/** What is different between the inputs of a resource and those it is to have. Pure. */
import { hasUnknown, secretValue, type Values } from "./wire.ts";

/** A change of one input. */
export interface Difference {
  /** Example: `vpcConfig.subnetIds[0]`. */
  readonly path: string;
  readonly kind: "add" | "delete" | "update";
}

/** All changes, the deepest path of each. */
export function differences(before: Values, after: Values): Difference[] {
  return compare("", before, after);
}

/**
 * Whether a change is one of those that replace.
 *
 * @param createOnly paths without indices; `*` for all inputs, `!path` for those that are none, and `+path` for those that replace
 *   when they are given another value, and not when they are taken away
 */
export function isReplacement({ path, kind }: Difference, createOnly: readonly string[]): boolean {
  const plain = path.replace(/\[[^\]]*\]/g, "");
  const within = (listed: string) =>
    plain === listed || plain.startsWith(`${listed}.`) || listed.startsWith(`${plain}.`);
  if (createOnly.some((listed) => listed.startsWith("!") && within(listed.slice(1)))) return false;
  return createOnly.some((listed) =>
    listed.startsWith("+") ? kind !== "delete" && within(listed.slice(1)) : listed === "*" || within(listed),
  );
}

function compare(path: string, givenBefore: unknown, givenAfter: unknown): Difference[] {
  const [before, after] = [secretValue(givenBefore), secretValue(givenAfter)];
  if (!hasUnknown(after) && JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))) return [];
  if (Array.isArray(before) && Array.isArray(after)) {
    const longer = before.length > after.length ? before : after;
    return longer.flatMap((_, index) => compareItem(`${path}[${index}]`, index, before, after));
  }
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => !key.startsWith("__"));
    return keys.flatMap((key) => compareItem(step(path, key), key, before, after));
  }
  return [{ path, kind: "update" }];
}

function compareItem(path: string, key: string | number, before: object, after: object): Difference[] {
  const [old, now] = [(before as Values)[key], (after as Values)[key]];
  if (absent(old) && absent(now)) return [];
  if (absent(old)) return [{ path, kind: "add" }];
  if (absent(now)) return [{ path, kind: "delete" }];
  return compare(path, old, now);
}

function absent(value: unknown): boolean {
  return value === undefined || value === null;
}

function step(path: string, key: string): string {
  const plain = /^[A-Za-z_]\w*$/.test(key);
  if (path === "") return plain ? key : `["${key}"]`;
  return plain ? `${path}.${key}` : `${path}["${key}"]`;
}

/** The same value with its keys in order and without marks of secrets. */
function sorted(given: unknown): unknown {
  const value = secretValue(given);
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => !absent(item))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
