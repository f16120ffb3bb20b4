/** What a preview plans, as a text that people can read and compare. Pure. */
import { stringify } from "yaml";
import type { Planned } from "../cloud-stack.ts";
import { unknown } from "../stand-in/wire.ts";

/** All resources but the providers that the engine adds by itself, in the order of their names. */
export function dump(planned: readonly Planned[]): string {
  const resources = planned
    .filter(({ urn }) => !/::default(_[\d_]+)?$/.test(urn))
    .map((resource) => {
      const { urn, type, parent, protect, retainOnDelete, inputs = {} } = resource;
      const name = nameOf(urn);
      return {
        type,
        name,
        ...(parent !== undefined && { parent: `${typeOf(parent)} ${nameOf(parent)}` }),
        ...(protect === true && { protect }),
        ...(retainOnDelete === true && { retainOnDelete }),
        ...(Object.keys(inputs).length > 0 && { inputs: readable(inputs) }),
      };
    })
    .sort((a, b) => compare(a.type, b.type) || compare(a.name, b.name));
  const text = stringify(resources, { lineWidth: 0, aliasDuplicateObjects: false });
  return generatedNames(planned).reduce(
    (result, [generated, name]) => result.replaceAll(generated, `${name}<generated>`),
    text,
  );
}

/** Names whose ends the engine draws, different each time; others refer to them. */
function generatedNames(planned: readonly Planned[]): [generated: string, name: string][] {
  return planned.flatMap(({ urn, inputs = {} }) => {
    const name = nameOf(urn);
    const { metadata } = inputs as { metadata?: { name?: unknown } };
    return [...Object.values(inputs), metadata?.name]
      .filter((value): value is string => typeof value === "string" && value.startsWith(name))
      .filter((value) => /^-?[0-9a-f]{8}$/.test(value.slice(name.length)))
      .map((value): [string, string] => [value, name]);
  });
}

/** Marks instead of what is unknown or secret; JSON inside of texts as what it says. */
function readable(value: unknown): unknown {
  if (value === unknown) return "<unknown>";
  if (value === "[secret]") return "<secret>";
  if (typeof value === "string") return /^[[{]/.test(value) ? fromJson(value) : value;
  if (Array.isArray(value)) return value.map((item) => readable(item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => !key.startsWith("__"));
  return Object.fromEntries(entries.sort(([a], [b]) => compare(a, b)).map(([key, item]) => [key, readable(item)]));
}

function fromJson(text: string): unknown {
  try {
    return { "<json>": readable(JSON.parse(text)) };
  } catch {
    return text;
  }
}

function typeOf(urn: string): string {
  const types = urn.split("::")[2] ?? "";
  return types.slice(types.lastIndexOf("$") + 1);
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
