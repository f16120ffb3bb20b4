/** For tests: databases that fail, and what a database holds of a topology. */
import { CommitOutcomeUnknownError, type Database } from "@pulumi-canton/runtime/database.ts";

const tables = ["topology_stores", "topology_transactions", "topology_subscription_positions", "topology_watermarks"];

/** All that the database holds of what was processed. */
export async function dump(database: Database) {
  const contents = [];
  for (const table of tables) {
    // Which number a store got says nothing.
    const { rows } = await database.query(`SELECT to_jsonb(t) - 'ordinal' AS row FROM ${table} t ORDER BY 1`);
    contents.push(rows);
  }
  return contents;
}

/** Forgets all of it. */
export async function clear(database: Database): Promise<void> {
  await database.query(
    tables
      .toReversed()
      .map((table) => `DELETE FROM ${table}`)
      .join("; "),
  );
}

/** Keeps a copy of all of it in the database, over an earlier one. */
export async function backUp(database: Database): Promise<void> {
  await database.query(
    tables
      .map((table) => `DROP TABLE IF EXISTS backup_${table}; CREATE TABLE backup_${table} AS TABLE ${table}`)
      .join("; "),
  );
}

/** Puts everything back to the copy that was kept last. */
export async function restore(database: Database): Promise<void> {
  await clear(database);
  await database.query(
    tables.map((table) => `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM backup_${table}`).join("; "),
  );
}

/** A database on which a statement of every transaction fails: the one with this number, counted from 0. */
export function failingAt(database: Database, number: number): Database {
  return {
    ...database,
    transaction: (fn, options) =>
      database.transaction((client) => {
        let count = 0;
        const counting = new Proxy(client, {
          get: (target, name) => {
            const value = Reflect.get(target, name);
            if (name !== "query") return value;
            return (...args: unknown[]) => {
              count += 1;
              if (count > number) return Promise.reject(new Error("the statement failed"));
              return Reflect.apply(value, target, args);
            };
          },
        });
        return fn(counting);
      }, options),
  };
}

/** A database whose first commit takes effect without anybody learning of it. */
export function forgettingOnce(database: Database): Database {
  let forget = true;
  return {
    ...database,
    transaction: async (fn, options) => {
      const result = await database.transaction(fn, options);
      if (!forget) return result;
      forget = false;
      throw new CommitOutcomeUnknownError("the connection was lost");
    },
  };
}
