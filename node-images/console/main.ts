/** The console: looks at a running network and administers it. `--help` tells how. */
import { join, resolve } from "node:path";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { newTrace, withTrace } from "@pulumi-canton/runtime/trace.ts";
import { visibleLayout } from "@pulumi-canton/runtime/visible-text.ts";
import { Command, CommanderError, Option } from "commander";
import { adminApi, caFileOf } from "./admin-api.ts";
import { commandGroups } from "./commands.ts";
import type { ConsoleContext } from "./console-context.ts";
import { loadNetwork } from "./network.ts";
import { refusalText } from "./refusal-text.ts";
import { short } from "./table.ts";

const home = resolve(process.env.CANTON_HOME ?? join(import.meta.dirname, "..", "..", ".canton"));
const interrupt = new AbortController();
process.once("SIGINT", () => interrupt.abort());
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // `console logs NODE | head` closes the pipe when it has enough.
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

const program = new Command("console")
  .description("Looks at a running network and administers it.")
  .addOption(
    new Option("--outputs <file>", "outputs of the stack, as `pulumi stack output --json` writes them").default(
      join(home, "outputs.json"),
    ),
  )
  .addOption(new Option("--ca-file <file>", "PEM file of the authorities to trust for https").default(caFileOf(home)))
  .option("--full", "write identities whole, to be copied", false)
  .showHelpAfterError("(--help tells what there is)")
  .exitOverride();

const context: ConsoleContext = {
  home,
  signal: interrupt.signal,
  network: () => loadNetwork(program.opts<{ outputs: string }>().outputs),
  api: () => adminApi(program.opts<{ caFile?: string }>().caFile),
  identity: (id) => (program.opts<{ full: boolean }>().full ? id : short(id)),
};
for (const { title, register } of commandGroups) {
  program.commandsGroup(`${title}:`);
  for (const group of register) group(program, context);
}

try {
  // One trace a command: what it changes can be followed through all nodes.
  await withTrace(newTrace(), () => program.parseAsync());
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof ConsoleError) {
    process.stderr.write(`${visibleLayout(`${error.message}\n${error.remedy}`)}\n`);
    process.exitCode = 1;
  } else if (isCantonError(error) || error instanceof ProtocolError) {
    process.stderr.write(`${visibleLayout(refusalText(error))}\n`);
    process.exitCode = 1;
  } else throw error;
}
