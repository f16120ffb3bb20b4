/** Configuration of the program that makes a node's database. */
import { z } from "zod";
import { fileSchema, storageSchema } from "../config.ts";

/** A name that PostgreSQL does not cut. */
const postgresName = z.string().min(1).max(63);

/** The configuration file. */
export const databaseSetupSchema = z.strictObject({
  /** Who makes databases and logins, and the database that it connects to. */
  administrator: storageSchema.extend({ database: postgresName.default("postgres") }),
  /** What is to be there. */
  login: z.strictObject({ database: postgresName, user: postgresName, passwordFile: fileSchema }),
});

/** A checked configuration. */
export type DatabaseSetupConfig = z.output<typeof databaseSetupSchema>;
