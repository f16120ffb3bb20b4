import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createLogger } from "../logger.ts";
import { type DatabaseSetupConfig, databaseSetupSchema } from "./config.ts";
import { setUpDatabase } from "./database-setup.ts";

const run = promisify(execFile);
const logger = createLogger({ node: "test", role: "database-setup", level: "fatal" });
const suffix = randomBytes(4).toString("hex");
const administrator = `admin_${suffix}`;
const names = ["alice", "bob", "other", "contested", "older"].map((name) => `${name}_${suffix}`) as [
  string,
  string,
  string,
  string,
  string,
];
const owner = "pulumi-canton/canton";
let folder: string;

function url(): URL {
  return new URL(inject("postgresUrl"));
}

async function asSuperuser<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url().href });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What a login finds when it connects with a password. */
async function connectAs(user: string, database: string, password: string): Promise<string> {
  const client = new pg.Client({ host: url().hostname, port: Number(url().port), user, database, password });
  try {
    await client.connect();
    await client.query("create table if not exists mine (a int)");
    return "well";
  } catch (error) {
    return (error as { code?: string }).code ?? "";
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function configOf(
  name: string,
  password: string,
  stack: { owner: string; takeOverFrom?: string } = { owner },
): Promise<DatabaseSetupConfig> {
  const passwordFile = join(folder, `${name}-${password}`);
  await writeFile(passwordFile, password, { mode: 0o600 });
  return databaseSetupSchema.parse({
    administrator: {
      host: url().hostname,
      port: Number(url().port),
      user: administrator,
      passwordFile: join(folder, "administrator"),
    },
    login: { database: name, user: name, passwordFile },
    ...stack,
  });
}

/** Whose databases are, as the server shows it to everybody. */
async function commentsOf(...databases: string[]): Promise<(string | null)[]> {
  const { rows } = await asSuperuser((client) =>
    client.query<{ comment: string | null }>(
      "select shobj_description(oid, 'pg_database') as comment from pg_database where datname = any($1) order by datname",
      [databases],
    ),
  );
  return rows.map(({ comment }) => comment);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "database-setup-"));
  await writeFile(join(folder, "administrator"), "administrator-password", { mode: 0o600 });
  // As on managed servers: no superuser.
  await asSuperuser((client) =>
    client.query(`create role ${administrator} login createrole createdb password 'administrator-password'`),
  );
});

afterAll(async () => {
  await asSuperuser(async (client) => {
    for (const name of names) await client.query(`drop database if exists ${name} with (force)`);
    for (const name of names) await client.query(`drop role if exists ${name}`);
    await client.query(`drop role if exists ${administrator}`);
  });
  await rm(folder, { recursive: true, force: true });
});

test("a login gets a database that is its alone, from an administrator who is no superuser, as often as asked", async () => {
  const [alice, bob] = names;
  await setUpDatabase(await configOf(alice, "first"), logger);
  await setUpDatabase(await configOf(bob, "first"), logger);
  expect(await connectAs(alice, alice, "first")).toBe("well");
  expect(await connectAs(bob, alice, "first")).toBe("42501");
  // Another password takes the place of the first, and the data stay.
  await setUpDatabase(await configOf(alice, "second"), logger);
  expect(await connectAs(alice, alice, "first")).toBe("28P01");
  expect(await connectAs(alice, alice, "second")).toBe("well");
  const { rows } = await asSuperuser((client) =>
    client.query(`select pg_has_role($1, $2, 'USAGE') as acts, has_database_privilege($1, $2, 'CONNECT') as connects`, [
      administrator,
      alice,
    ]),
  );
  expect(rows).toEqual([{ acts: false, connects: false }]);
});

test("several at once make it once", async () => {
  const [, , other] = names;
  const config = await configOf(other, "password");
  await Promise.all([1, 2, 3].map(() => setUpDatabase(config, logger)));
  expect(await connectAs(other, other, "password")).toBe("well");
});

test("a database of somebody else is left alone, and so is a login that administers", async () => {
  const [alice, bob] = names;
  const config = await configOf(alice, "second");
  await expect(setUpDatabase({ ...config, login: { ...config.login, database: bob } }, logger)).rejects.toThrow(
    `"${bob}" is there and belongs to "${bob}"; expected one of "${alice}", or none`,
  );
  await expect(setUpDatabase({ ...config, login: { ...config.login, user: administrator } }, logger)).rejects.toThrow(
    /which administers the server; expected a login of the node's own/,
  );
});

test("a database of another stack is refused with its login as it was, until the other stack is named", async () => {
  const [, bob] = names;
  const second = { owner: "pulumi-canton/second" };
  await expect(setUpDatabase(await configOf(bob, "stolen", second), logger)).rejects.toThrow(
    `"${bob}" is of the stack ${owner}, and this is pulumi-canton/second; expected other names of nodes, or a server of its own; ` +
      `where pulumi-canton/second is to take it over from ${owner}, set takeOverDatabasesFrom: ${owner} in the configuration of pulumi-canton/second`,
  );
  // Nor by the login of one of its databases.
  const config = await configOf(bob, "stolen", second);
  const another = { ...config, login: { ...config.login, database: `${bob}_2` } };
  await expect(setUpDatabase(another, logger)).rejects.toThrow(`"${bob}" is of the stack ${owner}`);
  const third = { ...second, takeOverFrom: "pulumi-canton/third" };
  await expect(setUpDatabase(await configOf(bob, "stolen", third), logger)).rejects.toThrow(`is of the stack ${owner}`);
  expect(await connectAs(bob, bob, "first")).toBe("well");
  expect(await commentsOf(bob, `${bob}_2`)).toEqual([`pulumi-canton owner: ${owner}`]);

  const named = { ...second, takeOverFrom: owner };
  await setUpDatabase(await configOf(bob, "taken", named), logger);
  await setUpDatabase(await configOf(bob, "taken", named), logger);
  expect(await connectAs(bob, bob, "taken")).toBe("well");
  // The stack that had it does not get it back by itself.
  await expect(setUpDatabase(await configOf(bob, "first"), logger)).rejects.toThrow(
    "is of the stack pulumi-canton/second",
  );
});

test("of two stacks that want the same name at once one gets it", async () => {
  const [, , , contested] = names;
  const stacks = ["first", "second", "third", "fourth"];
  const configs = await Promise.all(
    stacks.map((stack) => configOf(contested, stack, { owner: `pulumi-canton/${stack}` })),
  );
  const results = await Promise.allSettled(configs.map((config) => setUpDatabase(config, logger)));
  const won = stacks.filter((_, index) => results[index]?.status === "fulfilled");
  expect(won).toHaveLength(1);
  const entered = await Promise.all(stacks.map((stack) => connectAs(contested, contested, stack)));
  expect(stacks.filter((_, index) => entered[index] === "well")).toEqual(won);
  expect(await commentsOf(contested)).toEqual([`pulumi-canton owner: pulumi-canton/${won[0]}`]);
});

test("a database from before there were marks, with a comment of somebody or none, becomes the stack's that runs", async () => {
  const [, , , , older] = names;
  await setUpDatabase(await configOf(older, "first"), logger);
  for (const comment of ["null", "'Keep: see ticket 12'"]) {
    await asSuperuser((client) => client.query(`comment on database ${older} is ${comment}`));
    await setUpDatabase(await configOf(older, "second", { owner: "pulumi-canton/heir" }), logger);
    expect(await commentsOf(older)).toEqual(["pulumi-canton owner: pulumi-canton/heir"]);
  }
});

test("the program says what is wrong and ends with a code that tells what kind of mistake it is", async () => {
  const main = join(import.meta.dirname, "main.ts");
  const file = join(folder, "config.yaml");
  const config = await configOf(names[0], "third");
  await writeFile(file, JSON.stringify(config));
  await run(process.execPath, [main, "--config", file]);
  expect(await connectAs(names[0], names[0], "third")).toBe("well");
  await writeFile(file, "login: {}\n");
  await expect(run(process.execPath, [main, "--config", file])).rejects.toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/login.database \(line 1\) is required/),
  });
}, 60_000);
