/** What Canton 2.10's own console asks for a command, and what a Canton 2.10 answered: facts.json, which refresh.ts writes. */
import { readFileSync } from "node:fs";
import type { Json } from "./comparable.ts";

/** One call of a command. */
export interface RecordedCall {
  /** Whom it goes to: `participant1 admin`, `participant1 ledger`, `mydomain admin`. */
  readonly to: string;
  /** `/package.Service/Method`. */
  readonly method: string;
  /** With `<names>` in the place of fingerprints. Absent when empty. */
  readonly request?: Json;
  /** Asked until the answer was this one. */
  readonly polled?: true;
  /** The answer, as {@link comparable} makes it; of a refused call, absent. */
  readonly answer?: Json;
  readonly refusal?: Refusal;
}

/** How a call was refused. */
export interface Refusal {
  /** gRPC's, such as `NOT_FOUND`. */
  readonly code: string;
  /** Of the error, such as `SYNC_SERVICE_UNKNOWN_DOMAIN(11)`, with its category. Absent when it has none. */
  readonly reason?: string;
  /** Keys of the error's metadata. */
  readonly metadata?: readonly string[];
}

/** Commands by the names of their recordings, in the order in which they were given. */
export type Facts = Readonly<Record<string, readonly RecordedCall[]>>;

/** Reads facts.json. */
export function readFacts(): Facts {
  return JSON.parse(readFileSync(new URL("facts.json", import.meta.url), "utf8"));
}
