/** What every benchmark is given. */
export interface Benchmark {
  /** Tells progress, a line at a time. */
  readonly say: (line: string) => void;
  /** Aborted on Ctrl-C: what runs is ended, what was made is removed. */
  readonly signal: AbortSignal;
  /** How many times each thing is done that can be done again; medians are reported. */
  readonly rounds: number;
  /** Length of each measurement of a rate, and of the watch on idle nodes, in milliseconds. */
  readonly durationMs: number;
}
