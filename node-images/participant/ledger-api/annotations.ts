/** Largest size of all annotations of one party together, in bytes of keys and values (as published). */
export const MAX_ANNOTATIONS_BYTES = 256 * 1024;

const NAME = /^[A-Za-z0-9]([A-Za-z0-9\-_.]*[A-Za-z0-9])?$/;
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** Says why annotations cannot be stored, in the published words; undefined when they can. Keys are as in Kubernetes: `[prefix/]name`. */
export function annotationsFault(annotations: Record<string, string>): string | undefined {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    const fault = keyFault(key);
    if (fault !== undefined) return fault;
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_ANNOTATIONS_BYTES) {
    return `annotations from message are larger than the maximum size of ${MAX_ANNOTATIONS_BYTES / 1024} kb (${bytes} bytes)`;
  }
  return undefined;
}

function keyFault(key: string): string | undefined {
  const slash = key.indexOf("/");
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  const name = slash === -1 ? key : key.slice(slash + 1);
  if (prefix !== undefined) {
    if (prefix.length === 0 || prefix.length > 253)
      return `Key prefix segment '${prefix}' exceeds maximum length of 253 characters or is empty`;
    const label = prefix.split(".").find((each) => each.length > 63 || !DNS_LABEL.test(each));
    if (label !== undefined) return `Key prefix segment '${prefix}' has invalid syntax`;
  }
  if (name.length === 0) return "Empty annotation key is not allowed";
  if (name.length > 63) return `Key name segment '${name}' exceeds maximum length of 63 characters`;
  if (!NAME.test(name)) return `Key name segment '${name}' has invalid syntax`;
  return undefined;
}
