/** How large a stack may be. */
import { runtime } from "@pulumi/pulumi";
import { givenConfig, notRight } from "./read-config.ts";

/** Resources of a stack, the stack itself and providers among them: every update slows down with each. */
export const mostResources = 149;

/**
 * Has the program refused once it asks for more than {@link mostResources}: in the preview, before anything is made. To be called
 * before the first resource.
 */
export function limitResources(): void {
  let resources = 1;
  // In the program itself, where it is known which resource is one too many; a transform would run in the engine, behind it.
  runtime.registerStackTransformation(() => {
    resources += 1;
    if (resources > mostResources) throw notRight(whyTooLarge(givenConfig()));
    return undefined;
  });
}

/** What makes a stack large: its lists, longest first, and its sections; and the way out. Pure. */
export function whyTooLarge(config: Readonly<Record<string, unknown>>): string {
  const lists = listsIn(config).toSorted((a, b) => b.length - a.length);
  const sections = Object.keys(config).filter((key) => typeof config[key] === "object" && !Array.isArray(config[key]));
  const said = [
    ...lists.map(({ key, length }) => `${key} has ${length}`),
    ...(sections.length > 0 ? [`with ${sections.toSorted().join(", ")}`] : []),
  ];
  return (
    `it makes more than ${mostResources} resources, and every update slows down with each: ${said.join(", ")}; ` +
    "expected less of these, or a part of them in a stack of its own: see docs/decisions/stacks-by-life.md"
  );
}

/** Every list of the configuration that has anything, with the key that it is at. */
function listsIn(value: unknown, key = ""): { readonly key: string; readonly length: number }[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) {
    const inside = value.flatMap((each, index) => listsIn(each, `${key}[${index}]`));
    return value.length === 0 ? inside : [{ key, length: value.length }, ...inside];
  }
  return Object.entries(value).flatMap(([name, each]) => listsIn(each, key === "" ? name : `${key}.${name}`));
}
