/**
 * The stand-in as a process of its own, for trying a stack by hand: `node test/clouds/stand-in/main.ts FOLDER`. Prints what
 * the engine's environment needs; ends with Ctrl-C. What it made stays in the folder.
 */
import { resolve } from "node:path";
import { StandIn } from "./stand-in.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("expected the folder for the stand-in's state\n");
  process.exit(64);
}
const standIn = await StandIn.start(resolve(folder));
process.stdout.write(
  `export PULUMI_DEBUG_PROVIDERS="${standIn.attach}"\n# instructions: ${standIn.control}/instructions\n`,
);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));
