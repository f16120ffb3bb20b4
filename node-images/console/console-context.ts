import type { AdminApi } from "./admin-api.ts";
import type { Network } from "./network.ts";

/** What every command works with. */
export interface ConsoleContext {
  /** The deployment's folder: logs, and what the supervisor writes down. */
  readonly home: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** The running network. @throws ConsoleError when none is up */
  network(): Promise<Network>;
  /** The nodes' APIs. */
  api(): AdminApi;
  /** An identity as the person wants it written: whole with `--full`, otherwise cut to what tells it apart. */
  identity(id: string): string;
}
