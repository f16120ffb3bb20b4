/** Pulumi's view of the PostgreSQL server of a home. */
import { stepProvider } from "../../dynamic/step-provider.ts";
import { localHome } from "./home.ts";
import { ensurePostgres, observePostgres, removePostgres } from "./postgres-server.ts";

/** What the resource takes. */
export interface PostgresInputs {
  /** Absolute path of the home. */
  readonly home: string;
  /** TCP port that the configuration asks for. */
  readonly configuredPort?: number;
}

/** What the resource gives out. */
export interface PostgresOutputs {
  readonly port: number;
}

/** See `thinProvider`. */
export const provider = stepProvider<PostgresInputs, PostgresOutputs>({
  inputs: ["home", "configuredPort"],
  identity: ["home"],
  id: () => "postgres",
  converge: ({ home, configuredPort }) => ensurePostgres(localHome(home), { port: configuredPort }),
  observe: async ({ home }) => {
    const seen = await observePostgres(localHome(home));
    if (seen.status === "absent") return { is: "absent" };
    return seen.status === "ready" ? { is: "present" } : { is: "present", drift: `is down: ${seen.why}` };
  },
  remove: ({ home }) => removePostgres(localHome(home)),
});
