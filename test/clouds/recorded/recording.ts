/** The exported state of a stack, as it can lie in a repository. Pure. */

/** Marks a secret in an exported state; its value is beside it as JSON. */
const signature = "4dabf18193072939515e22adb298388d";

interface Exported {
  readonly version: number;
  readonly deployment: { readonly resources: readonly Readonly<Record<string, unknown>>[] };
}

/** What says when and where a state was made. */
const passing = ["created", "modified", "sourcePosition", "stackTrace"];

/**
 * The same state, a resource a line, without times, places and the real values of what was drawn. Those are the same placeholder wherever they are.
 *
 * @param exported with secrets in the clear
 */
export function recording(exported: string): string {
  const { version, deployment } = JSON.parse(exported) as Exported;
  const placeholders = new Map(
    deployment.resources.flatMap(drawn).map((value, index) => [value, `recorded-${index + 1}`]),
  );
  const resources = deployment.resources.map((resource) =>
    Object.fromEntries(Object.entries(resource).filter(([key]) => !passing.includes(key))),
  );
  const lines = [{ version }, ...resources.map((resource) => replaced(resource, placeholders))];
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
}

/** The state that was recorded, as the engine imports it. */
export function recordedState(recorded: string): string {
  const [head, ...resources] = recorded
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  return JSON.stringify({ ...head, deployment: { manifest: {}, resources } });
}

/** Secret texts that a resource of random or tls has drawn. */
function drawn({ type, outputs = {} }: Readonly<Record<string, unknown>>): string[] {
  if (!/^(random|tls):/.test(String(type))) return [];
  return Object.values(outputs as object).flatMap((value) => {
    const text = plaintext(value);
    return typeof text === "string" ? [text] : [];
  });
}

function plaintext(value: unknown): unknown {
  const secret = value as { readonly [signature]?: string; readonly plaintext?: string } | undefined;
  return secret?.[signature] === undefined || secret.plaintext === undefined ? undefined : JSON.parse(secret.plaintext);
}

/** The placeholders in all texts, also those of JSON inside of a text. */
function replaced(value: unknown, placeholders: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") {
    return [...placeholders].reduce((text, [real, placeholder]) => {
      const escaped = JSON.stringify(real).slice(1, -1);
      const twice = JSON.stringify(escaped).slice(1, -1);
      return [real, escaped, twice].reduce((result, form) => result.replaceAll(form, placeholder), text);
    }, value);
  }
  if (Array.isArray(value)) return value.map((item) => replaced(item, placeholders));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, placeholders)]));
}
