/** The text filters of the topology services, as Canton understands them. */

/**
 * Whether a unique identifier fits a filter: a start of the name, or a start of the name, `::` and a start of the
 * namespace. An empty filter fits everything.
 */
export function uidFits(uid: string, filter: string): boolean {
  const at = filter.indexOf("::");
  if (at < 0) return uid.startsWith(filter);
  const [name, namespace] = [filter.slice(0, at), filter.slice(at + 2)];
  const end = uid.indexOf("::");
  return uid.slice(0, end).startsWith(name) && uid.slice(end + 2).startsWith(namespace);
}

/** What every identifier that fits a filter begins with, so that an index can be asked for it. */
export function startOfName(filter: string): string {
  const at = filter.indexOf("::");
  return at < 0 ? filter : filter.slice(0, at);
}
