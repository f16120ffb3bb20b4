// Writes facts.json from recordings of a real Canton's exchanges, in the form of a folder `shared/observed` beside the
// repository. Needed when rows.ts gets a row, or the recordings are made anew.
//
//   node test/e2e/console-calls/refresh.ts FOLDER
import { writeFileSync } from "node:fs";
import { factsOf } from "./recordings.ts";
import { rows } from "./rows.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node refresh.ts FOLDER");
  process.exit(64);
}
const facts = factsOf(
  folder,
  rows.map(({ recording }) => recording),
);
// A call a line.
const lines = Object.entries(facts).map(([name, calls]) => {
  const each = calls.map((call) => `  ${JSON.stringify(call)}`);
  return ` ${JSON.stringify(name)}: [\n${each.join(",\n")}\n ]`;
});
writeFileSync(new URL("facts.json", import.meta.url), `{\n${lines.join(",\n")}\n}\n`);
