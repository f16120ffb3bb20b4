// Writes facts.json: what the published descriptors say of the files that we carry. The test beside it holds our .proto
// files against it. Needed when a .proto file of theirs is added to ours, or theirs have a new version.
//
//   node node-images/protocol/published/refresh.ts published.binpb
//
// descriptors.py says how to get published.binpb.
import { writeFileSync } from "node:fs";
import { buildDescriptors, factsOf, isPublished } from "./build-descriptors.ts";

const [input] = process.argv.slice(2);
if (input === undefined) {
  console.error("usage: node refresh.ts published.binpb (descriptors.py makes it)");
  process.exit(64);
}
const names = buildDescriptors(new URL("../proto", import.meta.url).pathname)
  .file.map(({ name }) => name)
  .filter(isPublished)
  .sort();
const published = buildDescriptors(input);
const missing = names.filter((name) => !published.file.some((file) => file.name === name));
if (missing.length > 0) console.warn(`not among the published ones: ${missing.join(", ")}`);
const facts = { source: "PyPI dazl 8.9.0", files: names, ...factsOf(published, names) };
writeFileSync(new URL("facts.json", import.meta.url), `${JSON.stringify(facts, null, 1)}\n`);
console.log(`${Object.keys(facts.messages).length} messages, ${Object.keys(facts.services).length} services`);
