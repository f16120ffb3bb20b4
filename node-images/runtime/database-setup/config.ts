/** Configuration of the program that makes a node's database. */
import { z } from "zod";
import { fileSchema, storageSchema } from "../config.ts";

/** A name that PostgreSQL does not cut. */
const postgresName = z.string().min(1).max(63);

/** A stack as databases are marked with it: `project/stack`. */
export const databaseOwner = z.string().regex(/^[^/\s]+\/[^/\s]+$/, "expected project/stack");

/** The configuration file. */
export const databaseSetupSchema = z.strictObject({
  /** Who makes databases and logins, and the database that it connects to. */
  administrator: storageSchema.extend({ database: postgresName.default("postgres") }),
  /** What is to be there. */
  login: z.strictObject({ database: postgresName, user: postgresName, passwordFile: fileSchema }),
  /** Whose the database is: it is marked so, and one that is marked otherwise is refused. Example: `pulumi-canton/canton`. */
  owner: databaseOwner,
  /** One whose databases are taken over. Default: nobody's. */
  takeOverFrom: databaseOwner.optional(),
});

/** A checked configuration. */
export type DatabaseSetupConfig = z.output<typeof databaseSetupSchema>;
