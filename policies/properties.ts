/** Properties of a resource as a policy sees them, with what a preview does not know yet. */

/** Properties, or any section of them. */
export type Properties = Readonly<Record<string, unknown>>;

/** Stands for a value that is set, and that a preview does not know yet: another resource gives it out. */
export const unknown = Symbol("known after the update");

/** How the engine writes such values, by their type. */
const sentinels: ReadonlySet<unknown> = new Set([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/**
 * Takes properties out of the SDK's wrapping, which throws at every unknown value that is looked at: a policy could then say
 * nothing of the others.
 */
export function plain(wrapped: unknown): unknown {
  if (sentinels.has(wrapped)) return unknown;
  if (typeof wrapped !== "object" || wrapped === null) return wrapped;
  const entries = Object.entries(Object.getOwnPropertyDescriptors(wrapped))
    .filter(([, { enumerable }]) => enumerable)
    .map(([key, { value }]) => [key, plain(value)] as const);
  return Array.isArray(wrapped) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

/** Whether it is a section with keys. */
export function isSection(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path such as `settings.ipConfiguration.sslMode`; unknown where anything above it is. */
export function at(properties: Properties, path: string): unknown {
  let value: unknown = properties;
  for (const key of path.split(".")) {
    if (value === unknown) return unknown;
    value = isSection(value) ? value[key] : undefined;
  }
  return value;
}

/** The elements of a list at a path, which may be a single one; none where it is not there or not known. */
export function listAt(properties: Properties, path: string): readonly unknown[] {
  const value = at(properties, path);
  if (value === undefined || value === null || value === unknown) return [];
  return Array.isArray(value) ? value : [value];
}

/** The sections of a list at a path, each with its own path. */
export function sectionsAt(
  properties: Properties,
  path: string,
): { readonly path: string; readonly section: Properties }[] {
  return listAt(properties, path).flatMap((section, index) =>
    isSection(section) ? [{ path: `${path}[${index}]`, section }] : [],
  );
}

/** A value for a message; nothing long. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  const text =
    JSON.stringify(value, (_key, inner) => (inner === unknown ? "(known after the update)" : inner)) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
