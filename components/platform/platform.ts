/**
 * What components ask of the place where nodes run. Components know nothing else of it: on one machine nodes are processes
 * (`LocalPlatform`), in a cluster they are pods.
 */
import type { CustomResourceOptions, Input, Output, Resource } from "@pulumi/pulumi";

/** What a node does in the network, in the field's own words. */
export type Role = "domain-manager" | "sequencer" | "mediator" | "participant";

/** A port of a node: the key of its configuration that says where it listens. `health` serves HTTP, the others gRPC. */
export type PortName = "adminApi" | "publicApi" | "ledgerApi" | "health";

/** Where a server is reached. */
export interface Endpoint {
  /** Host name or IP address. */
  readonly address: string;
  /** TCP port. */
  readonly port: number;
  /** `http://address:port`, with `https` where it speaks TLS. */
  readonly url: string;
  /** Present where it speaks TLS. */
  readonly tls?: EndpointTls;
}

/** What a caller needs for TLS: PEM files as the caller sees them, or PEM texts in their place. */
export interface EndpointTls {
  /** Authorities to trust, a file. */
  readonly caFile?: string;
  /** Authorities to trust, a text. */
  readonly ca?: string;
  /** The caller's own certificate, where the server asks for one: files. */
  readonly certChainFile?: string;
  readonly privateKeyFile?: string;
  /** The caller's own certificate, where the server asks for one: texts. The key is a secret. */
  readonly certChain?: string;
  readonly privateKey?: string;
  /** The name that the server's certificate bears, where it is reached by another one: through a tunnel. */
  readonly serverName?: string;
}

/** A PostgreSQL database that a component needs. */
export interface DatabaseSpec {
  /** What it is for, for people. Example: `"sequencer1's own"`. */
  readonly purpose: string;
  /** Which server it is on, where a platform has several: nodes' own, or the one that all sequencers share. Default: `nodes`. */
  readonly server?: "nodes" | "sequencer-backend";
}

/** How a node reaches its database; the fields are those of its configuration. */
export interface DatabaseConnection {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** File that holds the password, as the node sees it. */
  readonly passwordFile: string;
  /** Present where it speaks TLS: the PEM file of the authorities to trust; without one those of the machine. */
  readonly tls?: { readonly caFile?: string };
}

/** A database that a platform provides. */
export interface PlatformDatabase {
  /** The resource that stands for it. */
  readonly resource: Resource;
  /** How to reach it. */
  readonly connection: Output<DatabaseConnection>;
}

/** A node that a component needs. */
export interface NodeSpec {
  readonly role: Role;
  /**
   * The node's own configuration: all keys but `name`, its ports and its databases, which the platform fills in.
   * Example: `{ init: { identity: { nodeIdentifier: { type: "explicit", name: "bob" } } } }`.
   */
  readonly config: Input<Record<string, Input<unknown>>>;
  /** Databases by the key of the configuration that takes them. Example: `{ storage, backend }`. */
  readonly databases: Readonly<Record<string, PlatformDatabase>>;
  /** The ports that it listens on. */
  readonly ports: readonly PortName[];
  /**
   * When the node counts as there: `ready` when it does its work; `live` when it answers at all, for nodes that another
   * node sets to work later.
   */
  readonly waitFor: "live" | "ready";
  /** Longest time until then, in seconds; 120 by default. */
  readonly deadlineSeconds?: number;
  /** Stands for the contents of files that the configuration names: the node restarts when it changes. Default: nothing. */
  readonly revision?: string;
  /** Memory that the program's heap may take, in MiB; the runtime's own default when absent. */
  readonly memoryMiB?: number;
  /**
   * Files of this machine that the configuration names by these paths. A platform whose nodes run elsewhere brings their text
   * along and puts its own paths in the place of these. Default: none.
   */
  readonly files?: readonly string[];
  /** Texts of files that the configuration names by these names: the platform puts them where the node reads them. Default: none. */
  readonly texts?: Readonly<Record<string, string>>;
  /**
   * Nodes of one group stand in for each other: they are kept apart from each other, and restarted one after another.
   * Example: `"sequencers"`. Default: a group of its own.
   */
  readonly group?: string;
  /** Calls other nodes' admin APIs, so it gets the certificate that these ask for. Default: false. */
  readonly administers?: boolean;
}

/** Calls of one node to others. */
export interface Calls {
  readonly caller: PlatformNode;
  readonly callees: readonly PlatformNode[];
  /** Ports of the callees. */
  readonly ports: readonly PortName[];
}

/** A node that a platform runs. */
export interface PlatformNode {
  /** The resource that stands for it. */
  readonly resource: Resource;
  /** Where its servers are for other nodes, by port. */
  readonly endpoints: Output<Readonly<Record<string, Endpoint>>>;
  /** Where they are for the machine that runs the program. Default: where they are for nodes. */
  readonly access?: Readonly<Partial<Record<PortName, Output<Endpoint>>>>;
  /**
   * Its unique identifier `identifier::fingerprint`. Known for nodes that initialise themselves (`waitFor: "ready"`); others
   * take the identity of their domain.
   */
  readonly uniqueIdentifier: Output<string>;
}

/** A place where nodes run. */
export interface Platform {
  /**
   * Provides a database with a role of its own.
   *
   * @param name unique in the stack; lower-case letters, digits and hyphens
   */
  database(name: string, spec: DatabaseSpec, options: CustomResourceOptions): PlatformDatabase;

  /**
   * Runs a node and keeps it running.
   *
   * @param name unique in the stack; lower-case letters, digits and hyphens
   */
  node(name: string, spec: NodeSpec, options: CustomResourceOptions): PlatformNode;

  /**
   * Lets nodes call each other. Components tell every call that there is; a platform that closes its network opens it for
   * these only. Absent where nothing is closed.
   *
   * @param name unique in the stack; lower-case letters, digits and hyphens
   * @returns what has to be there before the calls work
   */
  allow?(name: string, calls: Calls, options: CustomResourceOptions): readonly Resource[];
}

/** Where a server of a node is for other nodes; fails the output with the port's name when the node has none of it. */
export function endpointOf(node: PlatformNode, port: PortName): Output<Endpoint> {
  return node.endpoints.apply((endpoints) => {
    const endpoint = endpoints[port];
    if (endpoint === undefined) throw new Error(`the node has no port ${port}`);
    return endpoint;
  });
}

/** As {@link endpointOf}, for resources of the program, which dial from the machine that runs it. */
export function accessTo(node: PlatformNode, port: PortName): Output<Endpoint> {
  return node.access?.[port] ?? endpointOf(node, port);
}
