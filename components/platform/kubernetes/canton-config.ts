/**
 * A node of Canton's own images in a pod: its HOCON configuration, and how it is run. For Canton 2.8 to 2.10, enterprise edition
 * for all but a single participant. Pure.
 *
 * Covered: storage over TLS, all APIs with TLS and a client certificate at the admin API, tokens by JWKS, the node's identifier,
 * active-passive replicas, several sequencers over one database, the bootstrap of a domain by its manager, keys wrapped by AWS
 * or Google Cloud KMS, health by gRPC. Not covered, and refused: terms of service, Azure Key Vault and Vault, tokens with an
 * issuer, a scope or authorities of their own. Without `keyEncryption` private keys are in the database as they are. Metrics are not served.
 */
import type { DatabaseConnection, Role } from "../platform.ts";
import { FromEnvironment, type HoconValue, renderHocon } from "./hocon.ts";
import { configKeys, configPath, portNumbers, secretKeys } from "./layout.ts";
import { administratorCertificate, type ConfiguredNode, serverCertificate } from "./node-config.ts";
import type { Probe, Program } from "./pod-plan.ts";

const sections = {
  "domain-manager": "domain-managers",
  sequencer: "sequencers",
  mediator: "mediators",
  participant: "participants",
} as const;

/** Variable with the password of the database that a node uses. */
const passwordVariable = "CANTON_DATABASE_PASSWORD";

/** A peer as our domain manager is told of it. */
interface Peer {
  readonly name: string;
  readonly adminApi: { readonly address: string; readonly port: number };
  readonly publicApi?: string;
}

const configFile = "canton.conf";
const bootstrapFile = "bootstrap.canton";

/** The database that all of a node is in: what Canton's sequencers keep is in the one that they share. */
function databaseKey(role: Role): "storage" | "backend" {
  return role === "sequencer" ? "backend" : "storage";
}

/**
 * How a node of Canton's images is run.
 *
 * @param databases names in the stack of its databases, by the key of the configuration
 * @param heapMiB memory for its heap
 */
export function cantonProgram(role: Role, databases: Readonly<Record<string, string>>, heapMiB: number): Program {
  const options = ["--log-profile=container", "--log-encoder=json", `--config=${configPath(configFile)}`];
  const script = role === "domain-manager" ? [`--bootstrap=${configPath(bootstrapFile)}`] : [];
  return {
    args: ["daemon", ...options, ...script],
    env: { JAVA_TOOL_OPTIONS: `-Xmx${heapMiB}m` },
    secretEnv: { [passwordVariable]: secretKeys.database(databases[databaseKey(role)] as string) },
    probes: { startup: probe("liveness"), live: probe("liveness"), ready: probe("") },
  };
}

/**
 * The files of a node of Canton's images, by name.
 *
 * @throws Error naming what is not covered
 */
export function cantonFiles(node: ConfiguredNode): Record<string, string> {
  refuseUncovered(node);
  const peers = peersOf(node);
  const config: HoconValue = {
    canton: {
      [sections[node.role]]: {
        [node.name]: nodeSection(node, node.databases[databaseKey(node.role)] as DatabaseConnection),
      },
      ...(peers && { "remote-sequencers": peers.sequencers, "remote-mediators": peers.mediators }),
    },
  };
  return { [configFile]: `${renderHocon(config)}\n`, ...(peers && { [bootstrapFile]: bootstrap }) };
}

const probe = (service: string): Probe => ({ grpc: { port: portNumbers.health, service } });

function nodeSection(node: ConfiguredNode, database: DatabaseConnection): HoconValue {
  const { role, config } = node;
  const address = "0.0.0.0";
  const open = (port: "publicApi" | "ledgerApi") => ({ address, port: portNumbers[port], tls: serverTls });
  const auth = authOf(node);
  return {
    ...initOf(node),
    storage: storageOf(database),
    "admin-api": { address, port: portNumbers.adminApi, tls: adminTlsOf(node) },
    ...(role === "sequencer" && {
      "public-api": open("publicApi"),
      sequencer: { type: "database", "high-availability": { enabled: true } },
    }),
    ...(role === "participant" && { "ledger-api": { ...open("ledgerApi"), ...(auth && { "auth-services": auth }) } }),
    ...(role !== "sequencer" && { replication: { enabled: true } }),
    ...(role === "domain-manager" && { topology: { open: policyOf(config) === "open" } }),
    ...(node.keyEncryption && { crypto: cryptoOf(node.keyEncryption) }),
    monitoring: { "grpc-health-server": { address, port: portNumbers.health } },
  };
}

function initOf({ config }: ConfiguredNode): { readonly init?: HoconValue } {
  const init = config["init"] as { auto?: boolean; identity?: { nodeIdentifier?: { name?: string } } } | undefined;
  const name = init?.identity?.nodeIdentifier?.name;
  if (init?.auto === false) return { init: { "auto-init": false } };
  return name === undefined ? {} : { init: { identity: { "node-identifier": { type: "explicit", name } } } };
}

function storageOf({ host, port, database, user, tls }: DatabaseConnection): HoconValue {
  // The PostgreSQL driver of Java knows the machine's authorities by the name of its own factory.
  const trust =
    tls?.caFile === undefined
      ? { sslfactory: "org.postgresql.ssl.DefaultJavaSSLFactory" }
      : { sslrootcert: tls.caFile };
  return {
    type: "postgres",
    config: {
      dataSourceClass: "org.postgresql.ds.PGSimpleDataSource",
      properties: {
        serverName: host,
        portNumber: port,
        databaseName: database,
        user,
        password: new FromEnvironment(passwordVariable),
        ...(tls && { ssl: true, sslmode: "verify-full", ...trust }),
      },
    },
  };
}

const serverTls: HoconValue = {
  "cert-chain-file": serverCertificate.certChainFile,
  "private-key-file": serverCertificate.privateKeyFile,
};
const administrator: HoconValue = {
  "cert-chain-file": administratorCertificate.certChainFile,
  "private-key-file": administratorCertificate.privateKeyFile,
};

function adminTlsOf({ mutualTls }: ConfiguredNode): HoconValue {
  if (!mutualTls) return serverTls;
  return {
    ...(serverTls as object),
    "trust-collection-file": configPath(configKeys.administrators),
    // A node calls its own admin API, too.
    "client-auth": { type: "require", "admin-client": administrator },
  };
}

function authOf({ config }: ConfiguredNode): HoconValue[] | undefined {
  const sources = (config["ledgerApi"] as { auth?: readonly Record<string, string>[] } | undefined)?.auth;
  return sources?.map(({ url, targetAudience }) => ({
    type: "jwt-rs-256-jwks",
    url: url as string,
    ...(targetAudience !== undefined && { "target-audience": targetAudience }),
  }));
}

function policyOf(config: Readonly<Record<string, unknown>>): string | undefined {
  return (config["domain"] as { onboarding?: { policy?: string } } | undefined)?.onboarding?.policy;
}

function cryptoOf(given: Readonly<Record<string, unknown>>): HoconValue {
  const keyId = String(given["keyId"]);
  const store = (wrapperKey: string) => ({ encryption: { type: "kms", "wrapper-key-id": wrapperKey } });
  if (given["type"] === "aws-kms") {
    return { kms: { type: "aws", region: String(given["region"]) }, "private-key-store": store(keyId) };
  }
  const [, project, , location, , ring, , key] = keyId.split("/") as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const kms = { type: "gcp", "project-id": project, "location-id": location, "key-ring-id": ring };
  return { kms, "private-key-store": store(key) };
}

/** What sets a domain up, each time its manager starts: does nothing where that is done. */
const bootstrap = `val manager = domainManagers.local.head
manager.health.wait_for_identity()
if (!manager.health.initialized()) {
  nodes.remote.foreach(_.health.wait_for_running())
  manager.setup.bootstrap_domain(sequencers.remote, mediators.remote)
}
`;

/** The sequencers and mediators that a domain manager sets up. */
function peersOf(node: ConfiguredNode): { sequencers: HoconValue; mediators: HoconValue } | undefined {
  const domain = node.config["domain"] as { sequencers?: readonly Peer[]; mediators?: readonly Peer[] } | undefined;
  if (node.role !== "domain-manager" || domain === undefined) return undefined;
  const { sequencers = [], mediators = [] } = domain;
  const trust = { "trust-collection-file": configPath(configKeys.servers) };
  const tls: HoconValue = node.mutualTls ? { ...trust, "client-cert": administrator } : trust;
  const admin = ({ adminApi }: Peer): HoconValue => ({ address: adminApi.address, port: adminApi.port, tls });
  const publicApi = ({ publicApi: url = "" }: Peer): HoconValue => {
    const { hostname, port } = new URL(url);
    const { "trust-collection-file": file } = trust;
    return {
      address: hostname,
      port: Number(port),
      "transport-security": true,
      "custom-trust-certificates": { "pem-file": file },
    };
  };
  return {
    sequencers: Object.fromEntries(
      sequencers.map((peer) => [peer.name, { "admin-api": admin(peer), "public-api": publicApi(peer) }]),
    ),
    mediators: Object.fromEntries(mediators.map((peer) => [peer.name, { "admin-api": admin(peer) }])),
  };
}

function refuseUncovered({ name, config, keyEncryption }: ConfiguredNode): void {
  const refuse = (what: string) => {
    throw new Error(
      `${name}: ${what}, which the stack does not configure for Canton's images; expected our images, or to do without`,
    );
  };
  if (config["termsOfService"] !== undefined) refuse("got terms of service");
  const type = keyEncryption?.["type"];
  if (type !== undefined && type !== "aws-kms" && type !== "gcp-kms") refuse(`got keyEncryption ${String(type)}`);
  if (type === "aws-kms" && keyEncryption?.["region"] === undefined) refuse("got keyEncryption without a region");
  const auth = (config["ledgerApi"] as { auth?: readonly Record<string, unknown>[] } | undefined)?.auth ?? [];
  if (auth.some(({ issuer, targetScope }) => issuer !== undefined || targetScope !== undefined)) {
    refuse("got tokens with an issuer or a scope");
  }
  if (auth.some(({ caFile }) => caFile !== undefined)) {
    refuse("got tokens whose issuer has a certificate by authorities of its own");
  }
}
