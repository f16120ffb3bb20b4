import { shortenUniqueIdentifier } from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import type { StepLine } from "./step-line.ts";

/** Which transactions a person asks for. */
export type TraceQuery =
  /** An element id, the start of a transaction's hash, or the start of a trace id. */
  | { readonly transaction: string }
  /** A party's name or id. */
  | { readonly party: string };

/** The lines about the transactions that are asked for, by transaction. Pure; in the order of their first lines. */
export function selectTransactions(lines: readonly StepLine[], query: TraceQuery): Map<string, StepLine[]> {
  const sorted = lines.toSorted((a, b) => a["@timestamp"].localeCompare(b["@timestamp"]));
  const wanted = new Set(sorted.filter((line) => fits(line, query)).map(({ transaction }) => transaction));
  return new Map([...wanted].map((hash) => [hash, sorted.filter(({ transaction }) => transaction === hash)]));
}

function fits(line: StepLine, query: TraceQuery): boolean {
  if ("party" in query) {
    const party = query.party.includes("::") ? `${shortenUniqueIdentifier(query.party)},` : `${query.party}::`;
    return line.mapping.startsWith("PartyToParticipant(") && line.mapping.includes(`, ${party}`);
  }
  const { transaction } = query;
  return (
    line.element === transaction || line.transaction.startsWith(transaction) || line["trace-id"].startsWith(transaction)
  );
}
