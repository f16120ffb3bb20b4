/** PostgreSQL on the machine of a cluster, at the machine's address, where pods reach it. */
import { randomBytes } from "node:crypto";
import { appendFileSync, chownSync, copyFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  initPostgres,
  postgresCommand,
  superuser,
  waitForPostgres,
} from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import type { TestAuthority } from "@pulumi-canton/runtime/testing/certificates.ts";
import { type Machine, machineAddress } from "./machine.ts";

/** A server as the configuration of a stack has it. */
export interface Server {
  readonly host: string;
  readonly port: number;
  readonly administrator: { readonly user: string; readonly password: string };
  readonly tls: boolean;
  readonly caPem?: string;
}

/**
 * Starts a server, which ends with the machine.
 *
 * @param authority of its certificate, with which pods are let in by TLS only; without one it speaks without TLS, which `dev` takes
 */
export async function startDatabaseServer(machine: Machine, port: number, authority?: TestAuthority): Promise<Server> {
  const name = `postgres-${port}`;
  const directory = machine.folder(name);
  const data = join(directory, "data");
  const password = randomBytes(24).toString("base64url");
  await initPostgres({ directory, password });
  const [pods, machines] = ["10.244.0.0/16", "10.200.0.0/24"];
  const lines = [`${authority ? "hostssl" : "host"} all all ${pods}`, `host all all ${machines}`];
  appendFileSync(join(data, "pg_hba.conf"), lines.map((line) => `${line} scram-sha-256\n`).join(""));
  const settings = [
    `listen_addresses=${machineAddress}`,
    ...(authority === undefined ? [] : await certify(data, authority)),
  ];
  const { command, args, env } = postgresCommand({ directory, port });
  await machine.start(name, command, [...args, ...settings.flatMap((setting) => ["-c", setting])], env);
  await waitForPostgres({ port: await machine.tunnel(machineAddress, port), password, deadlineMs: 60_000 });
  return {
    host: machineAddress,
    port,
    administrator: { user: superuser, password },
    tls: authority !== undefined,
    ...(authority !== undefined && { caPem: readFileSync(authority.caFile, "utf8") }),
  };
}

/** Puts a certificate where the server, which is another user, can read it. @returns the settings that name it */
async function certify(data: string, authority: TestAuthority): Promise<string[]> {
  const { certChainFile, privateKeyFile } = await authority.issue("postgres", machineAddress);
  const { uid, gid } = statSync(data);
  const take = (file: string, name: string) => {
    copyFileSync(file, join(data, name));
    chownSync(join(data, name), uid, gid);
  };
  take(certChainFile, "server.crt");
  take(privateKeyFile, "server.key");
  return ["ssl=on"];
}
