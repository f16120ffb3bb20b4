/**
 * Says why a field mask cannot be used, in the published words; undefined when it can. A path names a field, or one that
 * has it.
 *
 * @param fields all fields of the message, as full paths, also those that an update leaves alone
 */
export function maskFault(paths: readonly string[], fields: readonly string[]): string | undefined {
  if (paths.length === 0) return "The update mask contains no entries";
  const unknown = paths.find((path) => !fields.some((field) => field === path || field.startsWith(`${path}.`)));
  if (unknown !== undefined) return `The update path: '${shorten(unknown)}' points to an unknown field.`;
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  return twice === undefined ? undefined : `The update path: '${shorten(twice)}' is duplicated.`;
}

/** Whether a mask names a field or one that has it. */
export function maskNames(paths: readonly string[], field: string): boolean {
  return paths.some((path) => field === path || field.startsWith(`${path}.`));
}

/** A text of a caller as errors repeat it. */
export function shorten(text: string): string {
  return text.length > 53 ? `${text.slice(0, 50)}...` : text;
}
