import pg from "pg";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { findPostgresBinaries } from "./embedded-postgres.ts";

async function setting(client: pg.Client, name: string): Promise<unknown> {
  const result = await client.query(`show ${name}`);
  return Object.values(result.rows[0] as Record<string, unknown>)[0];
}

describe("the server of this test run", () => {
  const client = new pg.Client({ connectionString: inject("postgresUrl") });
  beforeEach(() => client.connect());
  afterEach(() => client.end());

  test("keeps PostgreSQL's durability and listens on loopback with passwords only", async () => {
    const names = [
      "fsync",
      "synchronous_commit",
      "full_page_writes",
      "data_checksums",
      "listen_addresses",
      "unix_socket_directories",
      "password_encryption",
      "server_encoding",
    ];
    const values: Record<string, unknown> = {};
    for (const name of names) values[name] = await setting(client, name);
    expect(values).toEqual({
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      data_checksums: "on",
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      password_encryption: "scram-sha-256",
      server_encoding: "UTF8",
    });
    const rules = await client.query("select distinct auth_method from pg_hba_file_rules");
    expect(rules.rows).toEqual([{ auth_method: "scram-sha-256" }]);
  });
});

test("a platform without binaries is named", () => {
  expect(() => findPostgresBinaries("aix", "ppc64")).toThrow(/@embedded-postgres\/aix-ppc64 is not installed/);
});
