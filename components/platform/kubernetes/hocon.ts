/** HOCON, the format of the configuration of Daml's and Canton's own programs. Pure. */

/** A value that the program takes from a variable of its environment, so that a secret is in no file. */
export class FromEnvironment {
  readonly variable: string;

  /** @param variable Example: `"STORE_PASSWORD"` */
  constructor(variable: string) {
    if (!/^[A-Z][A-Z0-9_]*$/.test(variable)) {
      throw new Error(`got "${variable}"; expected a variable of capitals, digits and _, such as STORE_PASSWORD`);
    }
    this.variable = variable;
  }
}

/** What a configuration is made of; keys whose value is undefined are left out. */
export type HoconValue =
  | string
  | number
  | boolean
  | FromEnvironment
  | readonly HoconValue[]
  | { readonly [key: string]: HoconValue | undefined };

/**
 * A configuration as text. Everything but a {@link FromEnvironment} is also JSON, of which HOCON is a superset.
 *
 * @param indent depth of the value, in levels
 */
export function renderHocon(value: HoconValue, indent = 0): string {
  if (value instanceof FromEnvironment) return `\${${value.variable}}`;
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = "  ".repeat(indent + 1);
  const lines = Array.isArray(value)
    ? value.map((each: HoconValue) => `${inner}${renderHocon(each, indent + 1)}`)
    : Object.entries(value).flatMap(([key, each]) =>
        each === undefined ? [] : [`${inner}${JSON.stringify(key)}: ${renderHocon(each as HoconValue, indent + 1)}`],
      );
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return lines.length === 0 ? `${open}${close}` : `${open}\n${lines.join(",\n")}\n${"  ".repeat(indent)}${close}`;
}
