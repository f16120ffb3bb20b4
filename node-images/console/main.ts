/** The console: looks at a running network and administers it. `--help` tells how. */
import { join, resolve } from "node:path";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { ConfigError } from "@pulumi-canton/runtime/config.ts";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { newTrace, withTrace } from "@pulumi-canton/runtime/trace.ts";
import { visibleLayout } from "@pulumi-canton/runtime/visible-text.ts";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { type Access, adminApi, caFileOf } from "./admin-api.ts";
import { commandGroups } from "./commands.ts";
import type { ConsoleContext } from "./console-context.ts";
import { loadNetwork, nodeNamed } from "./network.ts";
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

type Tunnels = Readonly<Record<string, { readonly address: string; readonly port: number }>>;

/** What is dialled in the place of admin APIs, by their URLs. */
const tunnels = new Map<string, Tunnels[string]>();

const program = new Command("console")
  .description("Looks at a running network and administers it.")
  .addOption(
    new Option("--outputs <file>", "outputs of the stack, as `pulumi stack output --json` writes them").default(
      join(home, "outputs.json"),
    ),
  )
  .addOption(new Option("--ca-file <file>", "PEM file of the authorities to trust for https").default(caFileOf(home)))
  .option("--client-certificate <file>", "PEM file of the certificate to show to admin APIs that ask for one")
  .option("--client-key <file>", "PEM file of its private key")
  .option("--tunnel <node=host:port>", "where a node's admin API is forwarded to; repeatable", tunnel)
  .option("--full", "write identities whole, to be copied", false)
  .showHelpAfterError("(--help tells what there is)")
  .exitOverride();

const context: ConsoleContext = {
  home,
  signal: interrupt.signal,
  async network() {
    const { outputs, tunnel } = program.opts<{ outputs: string; tunnel?: Tunnels }>();
    const network = await loadNetwork(outputs);
    for (const [node, place] of Object.entries(tunnel ?? {})) tunnels.set(nodeNamed(network, node).adminApi, place);
    return network;
  },
  api: () => adminApi({ ...program.opts<Access>(), tunnels }),
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
  } else if (error instanceof ConfigError) {
    process.stderr.write(`${visibleLayout(error.message)}\n`);
    process.exitCode = 1;
  } else if (isCantonError(error) || error instanceof ProtocolError) {
    process.stderr.write(`${visibleLayout(refusalText(error))}\n`);
    process.exitCode = 1;
  } else throw error;
}

/** One `--tunnel` besides those before it. */
function tunnel(given: string, before: Tunnels | undefined): Tunnels {
  const [, node, address, port] = /^([^=]+)=([^=]+):(\d{1,5})$/.exec(given) ?? [];
  if (node === undefined || address === undefined || port === undefined) {
    throw new InvalidArgumentError("Expected NODE=HOST:PORT, such as domain-manager=127.0.0.1:15001.");
  }
  return { ...before, [node]: { address, port: Number(port) } };
}
