/** What a benchmark found: one line of the table. */
export interface Measurement {
  /** What was measured, for people. */
  readonly what: string;
  /** The figure, for people, with its unit. */
  readonly result: string;
  /** What it is held against, for people. */
  readonly against?: string;
  /** The figure divided by what it is held against. */
  readonly ratio?: number;
  /** What the ratio should be. */
  readonly goal?: Goal;
  /** All figures behind it, for programs; the names end in their unit. */
  readonly figures: Readonly<Record<string, number | readonly number[] | undefined>>;
}

/** A bound on a ratio: times have one above, rates one below. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** Whether a ratio keeps within its goal. */
export function isMet(ratio: number, goal: Goal): boolean {
  return "atMost" in goal ? ratio <= goal.atMost : ratio >= goal.atLeast;
}

/** The middle one of the samples; of an even number the mean of the two in the middle. NaN of none. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const below = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const above = sorted[Math.floor(middle)] ?? Number.NaN;
  return (below + above) / 2;
}
