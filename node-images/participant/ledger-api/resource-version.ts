import { invalidField, type RequestFacts } from "./ledger-errors.ts";

/** The resource version that a request names; undefined when it names none. */
export function resourceVersionOf(facts: RequestFacts, field: string, text: string): bigint | undefined {
  if (text === "") return undefined;
  if (!/^\d{1,18}$/.test(text)) throw invalidField(facts, field, "Invalid resource version number");
  return BigInt(text);
}
