/** The published name of an enum's value, or the number where the enum has none such. */
export function nameOf(values: Readonly<Record<string, string | number>>, value: number): string {
  return Object.entries(values).find(([, number]) => number === value)?.[0] ?? String(value);
}
