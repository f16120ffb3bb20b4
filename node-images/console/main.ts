/** The console: looks at a running network and administers it. `--help` tells how. */
import { join, resolve } from "node:path";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { Command, CommanderError, Option } from "commander";
import { adminApi, caFileOf } from "./admin-api.ts";
import { logLines } from "./commands/logs.ts";
import { listParticipants, permissions, setState, trustLevels } from "./commands/participants.ts";
import { listParties } from "./commands/parties.ts";
import { isHealthy, renderNetwork, viewNetwork } from "./commands/status.ts";
import { readTopology } from "./commands/topology.ts";
import { ConsoleError } from "./console-error.ts";
import { domainManagerOf, loadNetwork, nodeNamed } from "./network.ts";
import { localProcesses } from "./processes.ts";
import { cut, short, table } from "./table.ts";
import { print, printJson, redraw } from "./terminal.ts";

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

const network = () => loadNetwork(program.opts<{ outputs: string }>().outputs);
const api = () => adminApi(program.opts<{ caFile?: string }>().caFile);
const identity = (id: string) => (program.opts<{ full: boolean }>().full ? id : short(id));
const json = () => new Option("--json", "print JSON, for scripts").default(false);

program
  .command("status")
  .description("every node with its state, ports and identity; exits with 1 when one is not ready")
  .addOption(json())
  .option("--watch", "show it again every second until Ctrl-C", false)
  .action(async ({ json, watch }: { json: boolean; watch: boolean }) => {
    const view = async () => await viewNetwork(await network(), localProcesses(home), api());
    if (watch) {
      await redraw(
        async () => `${new Date().toISOString()}\n${renderNetwork(await view(), identity)}`,
        1_000,
        interrupt.signal,
      );
      return;
    }
    const seen = await view();
    if (json) printJson(seen);
    else print(renderNetwork(seen, identity));
    if (!isHealthy(seen)) process.exitCode = 1;
  });

program
  .command("participants")
  .description("who may use the domain, and who does")
  .addOption(json())
  .action(async ({ json }: { json: boolean }) => {
    const rows = await listParticipants(await network(), api());
    if (json) return printJson(rows);
    const yes = (value: boolean) => (value ? "yes" : "no");
    print(
      table(
        ["participant", "permission", "trust level", "allowed", "active"],
        rows.map((r) => [identity(r.participant), r.permission, r.trustLevel, yes(r.allowed), yes(r.active)]),
      ),
    );
  });

program
  .command("parties")
  .description("the parties that the domain knows, and where they are hosted")
  .addOption(json())
  .action(async ({ json }: { json: boolean }) => {
    const rows = await listParties(await network(), api());
    if (json) return printJson(rows);
    print(
      table(
        ["party", "participant", "permission"],
        rows.map((r) => [identity(r.party), identity(r.participant), r.permission]),
      ),
    );
  });

program
  .command("topology")
  .description("the topology transactions that hold")
  .addOption(new Option("--domain", "the domain's state, as its manager sees it (the default)").conflicts("authorized"))
  .option("--node <node>", "the domain's state as this node sees it")
  .option("--authorized", "what the node itself has authorised, instead of the domain's state", false)
  .addOption(json())
  .action(async ({ node, authorized, json }: { node?: string; authorized: boolean; json: boolean }) => {
    const found = await network();
    const { adminApi: url } = node === undefined ? domainManagerOf(found) : nodeNamed(found, node);
    const state = await readTopology(api(), url, authorized ? "Authorized" : found.domain.id);
    if (json) return printJson(state);
    // What the other columns and the frame take; a file or a pipe gets all of it.
    const statementWidth = (process.stdout.columns ?? Number.POSITIVE_INFINITY) - 54;
    print(
      table(
        ["since", "statement", "signed by"],
        state.transactions.map((t) => [t.validFrom, cut(t.statement, statementWidth), t.signedBy]),
      ),
    );
    print(`${state.transactions.length} transactions, digest ${state.digest}`);
  });

program
  .command("set-state")
  .description("admits a participant to the domain, changes what it may do, or disables it")
  .argument("<participant>", "a participant of this network, or an id PAR::name::1220…")
  .addArgument(program.createArgument("<permission>", "what it may do").choices([...permissions]))
  .addOption(new Option("--trust-level <level>", "how far it is trusted").choices([...trustLevels]).default("Ordinary"))
  .action(
    async (
      participant: string,
      permission: (typeof permissions)[number],
      { trustLevel }: { trustLevel: (typeof trustLevels)[number] },
    ) => {
      const id = await setState(await network(), api(), participant, permission, trustLevel);
      print(`${id} has permission ${permission} and trust level ${trustLevel}.`);
      print("A stack that manages this participant shows the change as drift in its next preview.");
    },
  );

program
  .command("logs")
  .description("what a node wrote to its log, one JSON object a line")
  .argument("<node>", "a node of this network, postgres or supervisor")
  .option(
    "-n, --lines <count>",
    "how many of the last lines",
    (given) => {
      const count = Number(given);
      if (Number.isInteger(count) && count >= 0) return count;
      throw new ConsoleError(`--lines ${given} is not a count.`, "Give a whole number from 0.");
    },
    50,
  )
  .option("-f, --follow", "go on with what is written from now on, until Ctrl-C", false)
  .action(async (node: string, { lines, follow }: { lines: number; follow: boolean }) => {
    if (node !== "postgres" && node !== "supervisor") nodeNamed(await network(), node);
    for await (const line of logLines(join(home, "logs", `${node}.log`), { lines, follow, signal: interrupt.signal })) {
      print(line);
    }
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof ConsoleError) {
    process.stderr.write(`${error.message}\n${error.remedy}\n`);
    process.exitCode = 1;
  } else if (isCantonError(error)) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } else throw error;
}
