/**
 * Runs nodes as supervised processes on this machine, over one embedded PostgreSQL. Everything listens on loopback, lives
 * below one folder, and keeps running after the update.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  dynamic,
  type Input,
  type Inputs,
  mergeOptions,
  type Output,
  output,
} from "@pulumi/pulumi";
import { thinProvider } from "../../dynamic/thin-provider.ts";
import type {
  DatabaseConnection,
  DatabaseSpec,
  Endpoint,
  NodeSpec,
  Platform,
  PlatformDatabase,
  PlatformNode,
  Role,
} from "../platform.ts";

/** Arguments of a `LocalPlatform`. */
export interface LocalPlatformArgs {
  /** Absolute path of the folder for data, keys, secrets, logs and ports. Example: `"/srv/canton"`. */
  readonly home: string;
  /** Makes a certificate authority and has every gRPC server speak TLS. Default: false, plain text on loopback. */
  readonly tls?: boolean;
  /**
   * Port numbers by node and port; those left out are chosen once and kept. `postgres` is a number.
   * Example: `{ postgres: 5432, sequencer1: { publicApi: 10018 } }`.
   */
  readonly ports?: Readonly<Record<string, number | Readonly<Record<string, number>>>>;
  /** Programs of the nodes, by role; those of this repository by default. Example: `{ mediator: "/opt/mediator.js" }`. */
  readonly programs?: Partial<Readonly<Record<Role, string>>>;
}

/** This machine. Resources: PostgreSQL, with TLS a certificate authority, and one for every database and node asked for. */
export class LocalPlatform extends ComponentResource implements Platform {
  readonly #args: LocalPlatformArgs;
  readonly #postgres: LocalPostgres;
  readonly #authority: LocalAuthority | undefined;
  readonly #revision: string;

  /** @param name of the resource; one a home */
  constructor(name: string, args: LocalPlatformArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:LocalPlatform", name, {}, options);
    this.#args = args;
    const parent = { parent: this };
    const port = args.ports?.["postgres"];
    this.#postgres = new LocalPostgres(
      "postgres",
      { home: args.home, ...(typeof port === "number" && { configuredPort: port }) },
      parent,
    );
    this.#authority = args.tls ? new LocalAuthority("certificate-authority", { home: args.home }, parent) : undefined;
    this.#revision = revisionOfNodes();
    this.registerOutputs({});
  }

  database(name: string, _spec: DatabaseSpec, options: CustomResourceOptions): PlatformDatabase {
    const { home } = this.#args;
    const resource = new LocalDatabase(
      name,
      { home, database: name, serverPort: this.#postgres.port },
      mergeOptions(options, { dependsOn: [this.#postgres] }),
    );
    return { resource, connection: resource.connection };
  }

  node(name: string, spec: NodeSpec, options: CustomResourceOptions): PlatformNode {
    const { home, tls = false, ports = {}, programs = {} } = this.#args;
    const configured = ports[name];
    const databases = Object.entries(spec.databases);
    const dependsOn = [
      ...databases.map(([, database]) => database.resource),
      ...(this.#authority ? [this.#authority] : []),
    ];
    const resource = new LocalNode(
      name,
      {
        home,
        name,
        program: programs[spec.role] ?? `@pulumi-canton/${spec.role}/main.ts`,
        revision: spec.revision === undefined ? this.#revision : `${this.#revision}-${spec.revision}`,
        config: spec.config,
        databases: Object.fromEntries(databases.map(([key, database]) => [key, database.connection])),
        ports: [...spec.ports],
        configuredPorts: typeof configured === "object" ? configured : {},
        tls,
        waitFor: spec.waitFor,
        deadlineMs: (spec.deadlineSeconds ?? 120) * 1000,
        ...(spec.texts !== undefined && { texts: spec.texts }),
        ...(spec.memoryMiB !== undefined && { memoryMiB: spec.memoryMiB }),
      },
      mergeOptions(options, { dependsOn }),
    );
    return { resource, endpoints: output(resource.endpoints), uniqueIdentifier: resource.uniqueIdentifier };
  }
}

/** The PostgreSQL server of a home; deleting it removes its data. */
class LocalPostgres extends dynamic.Resource {
  /** Its TCP port on loopback. */
  declare readonly port: Output<number>;

  constructor(name: string, args: { home: string; configuredPort?: number }, options: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/platform/local/postgres-provider.ts"),
      name,
      { port: undefined, ...args },
      options,
      "local",
      "Postgres",
    );
  }
}

/** The certificate authority of a home. */
class LocalAuthority extends dynamic.Resource {
  /** PEM file that clients trust. */
  declare readonly caFile: Output<string>;

  constructor(name: string, args: { home: string }, options: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/platform/local/authority-provider.ts"),
      name,
      { caFile: undefined, ...args },
      options,
      "local",
      "CertificateAuthority",
    );
  }
}

/** A database with a role and a password of its own; deleting it drops both. */
class LocalDatabase extends dynamic.Resource {
  /** How to reach it. */
  declare readonly connection: Output<DatabaseConnection>;

  constructor(
    name: string,
    args: { home: string; database: string; serverPort: Input<number> },
    options: CustomResourceOptions,
  ) {
    super(
      thinProvider("@pulumi-canton/components/platform/local/database-provider.ts"),
      name,
      { connection: undefined, ...args },
      options,
      "local",
      "Database",
    );
  }
}

/** A supervised process that is a node. */
class LocalNode extends dynamic.Resource {
  /** Where its servers are. */
  declare readonly endpoints: Output<Record<string, Endpoint>>;
  /** `identifier::fingerprint`, empty for a node that others initialise. */
  declare readonly uniqueIdentifier: Output<string>;

  constructor(name: string, args: Inputs, options: CustomResourceOptions) {
    super(
      thinProvider("@pulumi-canton/components/platform/local/node-provider.ts"),
      name,
      { endpoints: undefined, uniqueIdentifier: undefined, ...args },
      options,
      "local",
      "Node",
    );
  }
}

/** Stands for the code of the nodes, as the digest of an image would: nodes restart when it changes. */
function revisionOfNodes(): string {
  // Beside each other, in the clone and in the npm package, where they are compiled as this file is.
  const root = dirname(dirname(fileURLToPath(import.meta.resolve("@pulumi-canton/runtime/config.ts"))));
  const code = extname(import.meta.filename);
  const hash = createHash("sha256");
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && [code, ".sql"].includes(extname(entry.name)) && !entry.name.endsWith(".test.ts"),
    )
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes("node_modules"))
    .sort();
  for (const file of files) {
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
