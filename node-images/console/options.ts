/** Options that several commands have, each meaning the same everywhere. */

import { ConsoleError } from "@pulumi-canton/runtime/console-error.ts";
import { durationSyntax, parseDuration } from "@pulumi-canton/runtime/durations.ts";
import { Option } from "commander";

/** `--json` */
export function json(): Option {
  return new Option("--json", "print JSON, for scripts").default(false);
}

/** `--node`: the node to ask; what is asked without it is said per command. */
export function node(withoutIt: string): Option {
  return new Option("--node <node>", `a node of this network (default: ${withoutIt})`);
}

/** `--timeout`: gives milliseconds. */
export function timeout(defaultText = "60s"): Option {
  return new Option("--timeout <duration>", "how long to wait, for example 30s or 5m")
    .argParser(durationArgument("--timeout"))
    .default(parseDuration(defaultText), defaultText);
}

/** Reads a duration into milliseconds. */
export function durationArgument(name: string): (given: string) => number {
  return (given) => {
    const ms = parseDuration(given);
    if (ms !== undefined) return ms;
    throw new ConsoleError(`${name} ${given} is not a duration.`, `Give ${durationSyntax}.`);
  };
}

/** Reads a whole number. */
export function countArgument(name: string, from = 0): (given: string) => number {
  return (given) => {
    const count = Number(given);
    if (/^\d+$/.test(given) && Number.isSafeInteger(count) && count >= from) return count;
    throw new ConsoleError(`${name} ${given} is not a count.`, `Give a whole number from ${from}.`);
  };
}

/** Reads a moment, ISO 8601. */
export function momentArgument(name: string): (given: string) => Date {
  return (given) => {
    const at = new Date(given);
    if (/^\d{4}-\d\d-\d\d/.test(given) && !Number.isNaN(at.getTime())) return at;
    throw new ConsoleError(`${name} ${given} is not a moment.`, "Give a date and time such as 2026-01-31T12:00:00Z.");
  };
}

/** Collects an option that may be given several times. */
export function collect(given: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), given];
}
