import { join } from "node:path";
import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { transactionSteps } from "@pulumi-canton/topology/transaction-steps.ts";
import { type Command, Option } from "commander";
import type { ConsoleContext } from "../console-context.ts";
import { json, timeout } from "../options.ts";
import { pause } from "../pause.ts";
import { table } from "../table.ts";
import { print, printJson } from "../terminal.ts";
import { type Life, lifeOf } from "../trace/life.ts";
import { LogFiles, stepLinesOf } from "../trace/log-files.ts";
import { selectTransactions, type TraceQuery } from "../trace/select.ts";
import type { StepLine } from "../trace/step-line.ts";
import { readStepTimes } from "../trace/step-times.ts";

interface TraceOptions {
  party?: string;
  from?: string;
  follow: boolean;
  timeout: number;
  times: boolean;
  json: boolean;
}

/** `trace` */
export function registerTrace(program: Command, context: ConsoleContext): void {
  program
    .command("trace")
    .description("follows a topology transaction through its steps on all nodes")
    .argument(
      "[transaction]",
      "its element id, the start of its hash (as `topology` and `topology authorize` show it), or of a trace id",
    )
    .option("--party <party>", "the transactions about this party: a name or an id")
    .option(
      "--from <place>",
      "where the nodes' logs are: a folder, a file, or - for standard input (default: the deployment's logs)",
    )
    .option("-f, --follow", "wait for the steps that are still to come", false)
    .addOption(timeout())
    .addOption(
      new Option("--times", "how long each step takes on each node, from the nodes' metrics")
        .default(false)
        .conflicts(["party", "from", "follow"]),
    )
    .addOption(json())
    .action(async (transaction: string | undefined, options: TraceOptions) => {
      if (options.times) return showTimes(context, options.json);
      const query = queryFrom(transaction, options.party);
      const lines: StepLine[] = [];
      const look = () => [...selectTransactions(lines, query).values()].map(lifeOf);
      const complete = () => {
        const lives = look();
        return lives.length > 0 && lives.every(({ waitingFor }) => waitingFor.length === 0);
      };
      const signal = AbortSignal.any([context.signal, AbortSignal.timeout(options.timeout)]);
      if (options.from === "-") await readStream(lines, options.follow, complete, signal);
      else {
        const logs = new LogFiles(options.from ?? join(context.home, "logs"));
        lines.push(...(await logs.read()));
        while (options.follow && !complete() && !signal.aborted) {
          await pause(200, signal);
          lines.push(...(await logs.read()));
        }
      }
      const lives = look();
      if (lives.length === 0) {
        throw new ConsoleError(
          "No log tells of such a transaction.",
          "Give an element id, a hash or a trace id as `console topology` shows it; --from names where the logs are, --follow waits. One from before the logs began is in `console topology` only.",
        );
      }
      if (options.json) printJson(lives);
      else for (const life of lives) print(render(life, context.identity));
      if (options.follow && !complete()) process.exitCode = 1;
    });
}

function queryFrom(transaction: string | undefined, party: string | undefined): TraceQuery {
  if (party !== undefined && transaction === undefined) return { party };
  if (transaction !== undefined && party === undefined && transaction.length >= 6) return { transaction };
  throw new ConsoleError(
    transaction !== undefined && party === undefined
      ? `${transaction} is too short to tell one transaction from others.`
      : "Say which transaction: either by its id, or by --party.",
    "Give an element id, at least 6 digits of a hash or a trace id, or --party NAME.",
  );
}

async function readStream(
  lines: StepLine[],
  follow: boolean,
  complete: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  signal.addEventListener("abort", () => process.stdin.destroy(), { once: true });
  try {
    for await (const line of stepLinesOf(process.stdin)) {
      lines.push(line);
      if (follow && complete()) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  process.stdin.destroy();
}

/** A life for people. */
export function render(life: Life, identity: (id: string) => string): string {
  const { operation, mapping, transaction, elementId, traceIds, steps, waitingFor } = life;
  const domains = new Set(steps.flatMap(({ domainId }) => domainId ?? []));
  return [
    `${operation} ${mapping}`,
    `transaction ${transaction}${elementId === "" ? "" : `, element ${elementId}`}, trace ${traceIds.join(", ") || "(unknown)"}`,
    table(
      ["", "step", "node", "at", "took", ""],
      steps.map(({ number, step, node, at, milliseconds, detail, domainId }) => [
        number ?? "",
        domains.size > 1 && domainId !== undefined ? `${step} (${identity(domainId)})` : step,
        node,
        at,
        milliseconds === undefined ? "" : `${milliseconds} ms`,
        detail,
      ]),
    ),
    ...(waitingFor.length === 0 ? [] : [`still waits for: ${waitingFor.map(identity).join("; ")}`]),
  ].join("\n");
}

async function showTimes(context: ConsoleContext, asJson: boolean): Promise<void> {
  const rows = await readStepTimes(await context.network());
  rows.sort((a, b) => order(a.step) - order(b.step) || a.node.localeCompare(b.node));
  if (asJson) return printJson(rows);
  print(
    table(
      ["step", "node", "transactions", "mean"],
      rows.map((r) => [r.step, r.node, String(r.count), `${(r.meanSeconds * 1000).toFixed(1)} ms`]),
    ),
  );
}

function order(step: string): number {
  return (transactionSteps as readonly string[]).indexOf(step);
}
