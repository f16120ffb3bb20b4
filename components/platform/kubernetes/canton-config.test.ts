import { expect, test } from "vitest";
import type { Role } from "../platform.ts";
import { cantonFiles, cantonProgram } from "./canton-config.ts";
import type { ConfiguredNode } from "./node-config.ts";

/** Reads a configuration: JSON, with variables. */
const readHocon = (text: string) => JSON.parse(text.replaceAll(/\$\{(\w+)\}/g, '"variable $1"'));

const database = {
  host: "nodes.db",
  port: 5432,
  database: "alice",
  user: "alice",
  passwordFile: "/unused",
  tls: { caFile: "/etc/canton/config/database-alice.crt" },
};

function nodeOf(role: Role, given: Partial<ConfiguredNode> = {}): ConfiguredNode {
  return {
    name: "alice",
    role,
    config: {},
    databases: { storage: database, backend: { ...database, database: "sequencer-backend" } },
    ports: ["adminApi", "health"],
    mutualTls: true,
    ...given,
  };
}

const read = (node: ConfiguredNode) => readHocon(cantonFiles(node)["canton.conf"] as string);

test("a participant has its storage, its APIs with TLS, its tokens and its identifier", () => {
  const { participants } = read(
    nodeOf("participant", {
      config: {
        init: { identity: { nodeIdentifier: { type: "explicit", name: "alice" } } },
        ledgerApi: { auth: [{ type: "jwks", url: "https://idp/jwks", targetAudience: "alice" }] },
      },
      keyEncryption: { type: "aws-kms", keyId: "alias/canton", region: "eu-central-1" },
    }),
  ).canton;
  expect(participants.alice).toMatchObject({
    init: { identity: { "node-identifier": { type: "explicit", name: "alice" } } },
    storage: {
      type: "postgres",
      config: {
        properties: {
          serverName: "nodes.db",
          user: "alice",
          password: "variable CANTON_DATABASE_PASSWORD",
          sslmode: "verify-full",
          sslrootcert: "/etc/canton/config/database-alice.crt",
        },
      },
    },
    "admin-api": {
      port: 5002,
      tls: {
        "cert-chain-file": "/etc/canton/certificate/tls.crt",
        "trust-collection-file": "/etc/canton/config/administrators.crt",
        "client-auth": { type: "require" },
      },
    },
    "ledger-api": {
      port: 5011,
      "auth-services": [{ type: "jwt-rs-256-jwks", url: "https://idp/jwks", "target-audience": "alice" }],
    },
    replication: { enabled: true },
    crypto: {
      kms: { type: "aws", region: "eu-central-1" },
      "private-key-store": { encryption: { type: "kms", "wrapper-key-id": "alias/canton" } },
    },
    monitoring: { "grpc-health-server": { port: 8080 } },
  });
  expect(
    read(nodeOf("participant", { mutualTls: false })).canton.participants.alice["admin-api"].tls,
  ).not.toHaveProperty("client-auth");
});

test("sequencers are in the database that they share, and a domain manager sets the domain up", () => {
  const { sequencers } = read(nodeOf("sequencer")).canton;
  expect(sequencers.alice.storage.config.properties.databaseName).toBe("sequencer-backend");
  expect(sequencers.alice.sequencer).toEqual({ type: "database", "high-availability": { enabled: true } });
  expect(cantonProgram("sequencer", { storage: "sequencer1", backend: "sequencer-backend" }, 512).secretEnv).toEqual({
    CANTON_DATABASE_PASSWORD: "database-sequencer-backend",
  });
  const peer = (name: string) => ({
    name,
    adminApi: { address: `${name}.canton.svc`, port: 5002 },
    publicApi: `https://${name}.canton.svc:5001`,
  });
  const manager = nodeOf("domain-manager", {
    config: {
      domain: {
        onboarding: { policy: "permissioned" },
        sequencers: [peer("sequencer1")],
        mediators: [peer("mediator")],
      },
    },
  });
  const { canton } = read(manager);
  expect(canton["domain-managers"].alice.topology).toEqual({ open: false });
  expect(canton["remote-sequencers"].sequencer1).toMatchObject({
    "admin-api": {
      address: "sequencer1.canton.svc",
      port: 5002,
      tls: { "client-cert": { "cert-chain-file": "/etc/canton/secrets/administrator.crt" } },
    },
    "public-api": { address: "sequencer1.canton.svc", port: 5001, "transport-security": true },
  });
  expect(Object.keys(canton["remote-mediators"])).toEqual(["mediator"]);
  expect(cantonFiles(manager)["bootstrap.canton"]).toMatch(/if \(!manager\.health\.initialized\(\)\)/);
  expect(cantonProgram("domain-manager", { storage: "domain-manager" }, 512).args).toContain(
    "--bootstrap=/etc/canton/config/bootstrap.canton",
  );
});

test.each<[string, Role, Partial<ConfiguredNode>, RegExp]>([
  [
    "terms of service",
    "sequencer",
    { config: { termsOfService: { id: "1", textFile: "t" } } },
    /alice: got terms of service/,
  ],
  ["Vault", "participant", { keyEncryption: { type: "vault" } }, /got keyEncryption vault/],
  ["AWS without a region", "participant", { keyEncryption: { type: "aws-kms", keyId: "k" } }, /without a region/],
  [
    "a scope of its own",
    "participant",
    { config: { ledgerApi: { auth: [{ type: "jwks", url: "u", targetScope: "s" }] } } },
    /got tokens with an issuer or a scope/,
  ],
  [
    "an issuer's own authorities",
    "participant",
    { config: { ledgerApi: { auth: [{ type: "jwks", url: "u", caFile: "f" }] } } },
    /got tokens whose issuer has a certificate by authorities of its own.*expected our images/,
  ],
])("%s is refused", (_what, role, given, why) => {
  expect(() => cantonFiles(nodeOf(role, given))).toThrow(why);
});
