/** A Pulumi engine that can be run. */
export interface Engine {
  /** The executable. */
  readonly file: string;
  /** What it says of itself, without the leading `v`. */
  readonly version: string;
  /** Where it came from, for people: `PATH`, `cache`, `download`, `built`. */
  readonly source: "PATH" | "cache" | "download" | "built";
}

/** Where an engine may come from, and what to tell the person who waits. */
export interface Acquisition {
  readonly environment: NodeJS.ProcessEnv;
  /** The folder for this version, `…/engine/<version>`; made when an engine is put there. */
  readonly directory: string;
  /** One line of progress. */
  readonly say: (line: string) => void;
}
