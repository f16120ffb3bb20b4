/** Pulumi's view of the PostgreSQL server of a home. */
import { stepProvider } from "../../dynamic/step-provider.ts";
import { localHome } from "./home.ts";

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

/** Loaded for work only: an update that finds nothing to change does without. */
const server = () => import("./postgres-server.ts");

/** See `thinProvider`. */
export const provider = stepProvider<PostgresInputs, PostgresOutputs>({
  inputs: ["home", "configuredPort"],
  identity: ["home"],
  id: () => "postgres",
  converge: async ({ home, configuredPort }) =>
    (await server()).ensurePostgres(localHome(home), { port: configuredPort }),
  observe: async ({ home }) => {
    const seen = await (await server()).observePostgres(localHome(home));
    if (seen.status === "absent") return { is: "absent" };
    return seen.status === "ready" ? { is: "present" } : { is: "present", drift: `is down: ${seen.why}` };
  },
  remove: async ({ home }) => (await server()).removePostgres(localHome(home)),
});
