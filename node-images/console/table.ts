import Table from "cli-table3";

/**
 * Lines up rows below their headings, for people.
 *
 * @param headings one a column
 * @param rows each as long as the headings; an absent value shows as a dash
 */
export function table(headings: readonly string[], rows: readonly (readonly (string | undefined)[])[]): string {
  const lines = new Table({
    head: [...headings],
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
    style: { head: process.stdout.isTTY ? ["bold"] : [], border: process.stdout.isTTY ? ["grey"] : [] },
  });
  lines.push(...rows.map((row) => row.map((cell) => cell ?? "—")));
  return lines.toString();
}

/** Shortens the fingerprint of an identifier (`alice::1220abcd…`), which nobody reads whole. */
export function short(identifier: string): string {
  return identifier.replace(/::(1220[0-9a-f]{8})[0-9a-f]{56}$/, "::$1…");
}

/** Cuts a text to a width, for cells that would make a line of a terminal wrap. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
