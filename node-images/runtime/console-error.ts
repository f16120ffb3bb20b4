/** A mistake of the person at the console, or a network that is not there: shown without a stack trace. */
export class ConsoleError extends Error {
  override readonly name = "ConsoleError";
  /** What to do next, in one sentence. */
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
