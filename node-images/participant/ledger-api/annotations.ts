import { shorten } from "./update-mask.ts";

/** Largest size of all annotations of one party or user together, in bytes of keys and values (as published). */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024;

const NAME = /^[A-Za-z0-9]([A-Za-z0-9\-_.]*[A-Za-z0-9])?$/;
const DNS_LABEL = /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/;

/** Annotations by key. */
export type Annotations = Readonly<Record<string, string>>;

/**
 * Says why annotations of a request cannot be taken, in the published words; undefined when they can. Keys are as in
 * Kubernetes: `[prefix/]name`.
 *
 * @param field where they stand in the request
 * @param emptyValues whether values may be empty: an update removes their keys
 */
export function annotationsFault(annotations: Annotations, field: string, emptyValues: boolean): string | undefined {
  const entries = Object.entries(annotations);
  if (!fitsAnnotations(Object.fromEntries(entries.filter(([, value]) => value !== "")))) {
    return `annotations from field '${field}' are larger than the limit of ${MAX_ANNOTATIONS_BYTES / 1024}kb`;
  }
  for (const [key] of entries) {
    const fault = keyFault(key);
    if (fault !== undefined) return fault;
  }
  const empty = emptyValues ? undefined : entries.find(([, value]) => value === "");
  return empty === undefined ? undefined : `The value of an annotation is empty for key: '${shorten(empty[0])}'`;
}

/** Whether annotations are small enough to be stored. */
export function fitsAnnotations(annotations: Annotations): boolean {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  return bytes <= MAX_ANNOTATIONS_BYTES;
}

/** The annotations after an update: those given are added or replace, an empty value removes its key. */
export function mergeAnnotations(present: Annotations, given: Annotations): Record<string, string> {
  return Object.fromEntries(Object.entries({ ...present, ...given }).filter(([, value]) => value !== ""));
}

function keyFault(key: string): string | undefined {
  const [first = "", second, ...more] = key.split("/");
  if (more.length > 0) return `Key '${shorten(key)}' contains more than one forward slash ('/') character`;
  const [prefix, name] = second === undefined ? [undefined, first] : [first, second];
  if (prefix !== undefined) {
    if (prefix.length > 253) {
      return `Key prefix segment '${shorten(prefix)}' exceeds maximum length of 253 characters`;
    }
    if (!prefix.split(".").every((label) => DNS_LABEL.test(label))) {
      return `Key prefix segment '${shorten(prefix)}' has invalid syntax`;
    }
  }
  if (name.length > 63) return `Key name segment '${shorten(name)}' exceeds maximum length of 63 characters`;
  return NAME.test(name) ? undefined : `Key name segment '${shorten(name)}' has invalid syntax`;
}
