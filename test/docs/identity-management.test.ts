/** docs/identity-management.md says of everything which test shows it; this holds it to that. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const docs = join(import.meta.dirname, "..", "..", "docs");
const document = readFileSync(join(docs, "identity-management.md"), "utf8");
/** Links to tests: a title, and the file that has it. */
const links = [...document.matchAll(/\[((?:[^\]\\]|\\.)+)\]\((\.\.\/[^)]+\.ts)\)/g)].map(
  ([, title = "", file = ""]) => ({
    title: title.replaceAll(/\\(.)/g, "$1"),
    file,
  }),
);

test("every test that is named is in the file that it is said to be in", () => {
  const missing = links.filter(({ title, file }) => {
    const path = join(docs, file);
    if (!existsSync(path)) return true;
    const text = readFileSync(path, "utf8");
    return !title.endsWith(".test.ts") && !['"', "'", "`"].some((quote) => text.includes(`${quote}${title}${quote}`));
  });
  expect(missing).toEqual([]);
  expect(links.length).toBeGreaterThan(100);
});

test("every row of a table has a test", () => {
  const rows = document
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (-+|statement|step|setup|command) /.test(line));
  const without = rows.filter((row) => !/\]\(\.\.\/[^)]+\.ts\)[^|]*\|$/.test(row));
  expect(without).toEqual([]);
  expect(rows.length).toBeGreaterThan(80);
});

test("every resource that is named can be had", () => {
  const sources = globSync("**/*.ts", { cwd: join(docs, "..", "components") });
  const classes = sources.flatMap((file) =>
    [...readFileSync(join(docs, "..", "components", file), "utf8").matchAll(/^export class (\w+)/gm)].map(
      ([, name]) => name,
    ),
  );
  const commands = document.slice(document.indexOf("## The commands")).split("\n");
  const resources = commands.flatMap((line) => {
    const [, , , cell = ""] = /^\| [^-]/.test(line) ? line.split(" |") : [];
    return [...cell.matchAll(/`([A-Z]\w+)`/g)].map(([, name]) => name);
  });
  expect(resources.filter((name) => !classes.includes(name))).toEqual([]);
  expect(resources.length).toBeGreaterThan(20);
});

test("the numbered steps are all there", () => {
  const steps = (heading: string) => {
    const section = document.split(/^## /m).find((text) => text.startsWith(heading)) ?? "";
    return [...section.matchAll(/^\| (\d+) +\|/gm)].map(([, number]) => Number(number));
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  expect(steps("How a party comes about")).toEqual(upTo(11));
  expect(steps("How a participant comes onto a domain")).toEqual(upTo(15));
  expect(steps("Who holds the root key")).toEqual(upTo(4));
});
