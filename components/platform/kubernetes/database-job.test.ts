import { databaseSetupSchema } from "@pulumi-canton/runtime/database-setup/config.ts";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { DatabaseServerState } from "../../database/database-server.ts";
import { connectionOf, loginOf, setupJobOf, setupRevision, setupSecretData } from "./database-job.ts";

const server: DatabaseServerState = {
  host: "nodes.db",
  port: 5433,
  administrator: { user: "administrator", password: "hidden" },
  caPem: "authorities",
  logins: { alice: { database: "alice", user: "alice", password: "also hidden" } },
};
const plan = {
  name: "alice",
  namespace: "canton",
  labels: {},
  image: "registry/database-setup:1",
  imagePullSecrets: [],
};

test("the job is configured with what its program accepts, and finds its files", () => {
  const data = setupSecretData("alice", server, { owner: "pulumi-canton/canton", takeOverFrom: "pulumi-canton/old" });
  const config = databaseSetupSchema.parse(parse(data["config.yaml"] as string));
  expect(config.administrator).toMatchObject({
    host: "nodes.db",
    port: 5433,
    tls: { caFile: "/etc/canton/setup/server.crt" },
  });
  expect(config).toMatchObject({ owner: "pulumi-canton/canton", takeOverFrom: "pulumi-canton/old" });
  expect(config.login).toEqual({ database: "alice", user: "alice", passwordFile: "/etc/canton/setup/password" });
  const [container] = setupJobOf(plan, "r").spec.template.spec.containers;
  const folder = container?.volumeMounts[0]?.mountPath;
  for (const file of [config.administrator.passwordFile, config.login.passwordFile, config.administrator.tls?.caFile]) {
    expect(file?.startsWith(`${folder}/`)).toBe(true);
    expect(data).toHaveProperty([file?.slice(`${folder}/`.length) as string]);
  }
});

test("another login calls for another run, and what is told of it is not the password", () => {
  const revision = setupRevision(server, "alice");
  expect(setupRevision(structuredClone(server), "alice")).toBe(revision);
  const changed = { ...server, logins: { alice: { ...loginOf(server, "alice"), password: "new" } } };
  expect(setupRevision(changed, "alice")).not.toBe(revision);
  expect(setupRevision({ ...server, administrator: { user: "x", password: "y" } }, "alice")).toBe(revision);
  expect(setupRevision(server, "alice", "pulumi-canton/old")).not.toBe(revision);
  // Jobs of earlier versions have run: this is what theirs bear.
  expect(revision).toBe("471bcc98dceeb090");
  expect(JSON.stringify(setupJobOf(plan, revision))).not.toContain("hidden");
});

test("a server without TLS is called in the clear, one without authorities of its own by those of the machine", () => {
  const login = loginOf(server, "alice");
  const { caPem: _, ...plain } = server;
  expect(connectionOf({ ...plain, tls: false }, login, "alice")).not.toHaveProperty("tls");
  expect(connectionOf(plain, login, "alice").tls).toEqual({});
  expect(setupSecretData("alice", { ...server, tls: false }, { owner: "a/b" })).not.toHaveProperty(["server.crt"]);
});

test("a login that is missing is told with those that are there", () => {
  expect(() => loginOf(server, "bob")).toThrow(/no login for "bob"; expected one of alice/);
});
