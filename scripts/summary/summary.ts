import type { StackOutputs } from "./stack-outputs.ts";

/** Where a node can be reached and whether it is well, a row of the summary. */
interface Row {
  readonly [column: string]: string;
}

/** The summary of what runs, for people: the domain, a table of nodes, parties, and what to do next. */
export function summarize(outputs: StackOutputs, states: ReadonlyMap<string, string>): string {
  const lines: string[] = [];
  const { domain } = outputs;
  if (domain?.id) lines.push(`Domain ${domain.alias ?? ""} (${domain.policy ?? "unknown policy"}): ${domain.id}`, "");
  const nodes = Object.entries(outputs.nodes);
  if (nodes.length > 0) {
    lines.push(
      ...table(
        nodes.map(([name, node]) => ({
          NODE: name,
          ROLE: node.role,
          STATE: node.state ?? states.get(name) ?? "unknown",
          ADMIN: node.adminApi ?? "",
          "PUBLIC / LEDGER": node.publicApi ?? node.ledgerApi ?? "",
          HEALTH: node.health ?? "",
          IDENTITY: shorten(node.id ?? ""),
        })),
      ),
      "",
    );
  }
  const parties = Object.entries(outputs.parties);
  if (parties.length > 0) lines.push(...table(parties.map(([name, id]) => ({ PARTY: name, IDENTITY: id ?? "" }))), "");
  lines.push(
    "What to try next:",
    `  ${outputs.console ?? "./scripts/console"} status     what runs, and how it is`,
    "  ./scripts/pulumi preview      what differs from what is configured",
    "  ./scripts/up                  after a change of Pulumi.local.yaml: makes it so",
    "  ./scripts/down                ends it and removes all of it",
  );
  return lines.join("\n");
}

/** `identifier::1220abcdef…` with the fingerprint cut to what tells it apart. */
export function shorten(id: string): string {
  return id.replace(/(1220[0-9a-f]{12})[0-9a-f]{52}/g, "$1…");
}

function table(rows: readonly Row[]): string[] {
  const columns = Object.keys(rows[0] ?? {}).filter((column) => rows.some((row) => row[column] !== ""));
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd();
  return [line(columns), ...rows.map((row) => line(columns.map((column) => row[column] ?? "")))];
}
