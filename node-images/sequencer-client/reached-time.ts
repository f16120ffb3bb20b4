/** A sequencing time that the domain has reached for certain: that of a message of our own. Microseconds since the epoch. */
export class ReachedTime {
  readonly #listeners = new Set<() => void>();
  #value: bigint | undefined;

  /** Undefined while none is known. */
  get value(): bigint | undefined {
    return this.#value;
  }

  /** Takes note of a time. */
  advance(to: bigint): void {
    if (this.#value !== undefined && to <= this.#value) return;
    this.#value = to;
    for (const listener of this.#listeners) listener();
  }

  /** Calls back whenever it has advanced; gives back the function that ends this. */
  onAdvance(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
