/** A command cannot go on for a reason that a person can do something about. Shown without a stack trace. */
export class Failure extends Error {
  override readonly name = "Failure";
  /** What to do about it, a line each. */
  readonly wayOut: readonly string[];
  readonly exitCode: number;

  /** `exitCode` defaults to 1; 64 is a wrong command line and 69 something missing, as in sysexits.h. */
  constructor(message: string, wayOut: readonly string[] = [], exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.wayOut = wayOut;
    this.exitCode = exitCode;
  }
}
