/** Pulumi's view of a database of the local platform. */
import { stepProvider } from "../../dynamic/step-provider.ts";
import type { DatabaseConnection } from "../platform.ts";
import { localHome } from "./home.ts";

/** What the resource takes. */
export interface DatabaseInputs {
  /** Absolute path of the home. */
  readonly home: string;
  /** Name of the database in this home. */
  readonly database: string;
  /** Port of the server; a change reaches whoever uses the connection. */
  readonly serverPort: number;
}

/** What the resource gives out. */
export interface DatabaseOutputs {
  readonly connection: DatabaseConnection;
}

/** Loaded for work only: an update that finds nothing to change does without. */
const databases = () => import("./databases.ts");

/** See `thinProvider`. */
export const provider = stepProvider<DatabaseInputs, DatabaseOutputs>({
  inputs: ["home", "database", "serverPort"],
  identity: ["home", "database"],
  id: ({ database }) => database,
  converge: async ({ home, database }) => ({
    connection: await (await databases()).ensureDatabase(localHome(home), database),
  }),
  observe: async ({ home, database }) =>
    (await (await databases()).databaseExists(localHome(home), database)) ? { is: "present" } : { is: "absent" },
  remove: async ({ home, database }) => (await databases()).dropDatabase(localHome(home), database),
});
