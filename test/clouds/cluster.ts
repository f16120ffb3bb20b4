/** A cluster whose nodes run: the stand-in, a kubelet of the tests, and a PostgreSQL server for every namespace. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessOf } from "@pulumi-canton/components/platform/kubernetes/access.ts";
import { configKeys, portNumbers } from "@pulumi-canton/components/platform/kubernetes/layout.ts";
import { startPostgres } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";
import type { Endpoint } from "@pulumi-canton/components/platform/platform.ts";
import { freePort } from "../free-port.ts";
import type { Config, Outcome } from "./cloud-stack.ts";
import { Kubelet } from "./kubelet.ts";
import { StandIn } from "./stand-in/stand-in.ts";

const roles = ["domain-manager", "sequencer", "mediator", "participant"];

/** An image that stands for the programs of this clone. */
const image = (role: string, version: number) =>
  `registry.example.com/${role}@sha256:${String(version).padStart(64, "0")}`;

/** Stacks of the templates `kubernetes` and `bridge` come up in it. */
export class Cluster implements AsyncDisposable {
  readonly standIn: StandIn;
  readonly kubelet: Kubelet;
  readonly #addresses: Readonly<Record<string, string>>;
  readonly #databases: ReadonlyMap<string, URL>;
  readonly #after: AsyncDisposableStack;

  private constructor(parts: {
    readonly standIn: StandIn;
    readonly kubelet: Kubelet;
    readonly addresses: Readonly<Record<string, string>>;
    readonly databases: ReadonlyMap<string, URL>;
    readonly after: AsyncDisposableStack;
  }) {
    this.standIn = parts.standIn;
    this.kubelet = parts.kubelet;
    this.#addresses = parts.addresses;
    this.#databases = parts.databases;
    this.#after = parts.after;
  }

  /**
   * Starts it, empty.
   *
   * @param subnet of loopback, which is this machine's as a whole: each node has an address, and all the same ports. Example: `127.0.77`
   * @param namespaces names of the nodes that may run, by namespace
   */
  static async start(subnet: string, namespaces: Readonly<Record<string, readonly string[]>>): Promise<Cluster> {
    await using starting = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-cluster-"));
    starting.defer(() => rm(folder, { recursive: true, force: true }));
    const databases = new Map<string, URL>();
    for (const namespace of Object.keys(namespaces)) {
      const postgres = await startPostgres({
        directory: join(folder, `postgres-${namespace}`),
        port: await freePort(),
        logFile: join(folder, `postgres-${namespace}.log`),
        deadlineMs: 60_000,
      });
      starting.defer(() => postgres.stop());
      databases.set(namespace, new URL(postgres.url));
    }
    const nodes = Object.entries(namespaces).flatMap(([namespace, names]) =>
      names.map((name) => `${name}.${namespace}`),
    );
    const addresses = Object.fromEntries(nodes.map((node, index) => [node, `${subnet}.${index + 1}`]));
    const standIn = starting.use(await StandIn.start(join(folder, "clouds")));
    const kubelet = starting.use(new Kubelet(folder, addresses));
    standIn.clouds.watcher = kubelet;
    return new Cluster({ standIn, kubelet, addresses, databases, after: starting.move() });
  }

  /**
   * What the configuration of a stack says of where its nodes run.
   *
   * @param nodes names of all that it has
   * @param participants version of the image of participants
   */
  place(namespace: string, nodes: readonly string[], { participants = 1 } = {}): Config {
    const { hostname, port, username, password } = this.#databases.get(namespace) as URL;
    return {
      environment: "dev",
      name: namespace,
      cluster: { kubeconfig: "{}" },
      databases: {
        nodes: {
          host: hostname,
          port: Number(port),
          administrator: { user: decodeURIComponent(username), password: decodeURIComponent(password) },
          tls: false,
        },
      },
      images: {
        nodes: Object.fromEntries(roles.map((role) => [role, image(role, role === "participant" ? participants : 1)])),
        databaseSetup: image("database-setup", 1),
      },
      ledgerApi: { auth: [{ type: "jwks", url: "https://idp.example.com/jwks" }] },
      access: { via: "tunnels", tunnels: this.#tunnels(namespace, nodes) },
    };
  }

  /** The admin API of a node as this machine reaches it. */
  adminApi(name: string, namespace: string): Endpoint {
    const access = { via: "tunnels", tunnels: this.#tunnels(namespace, [name]) } as const;
    const ca = this.kubelet.config(`${name}.${namespace}`, configKeys.servers);
    if (ca === undefined) throw new Error(`there is no node ${name} in ${namespace}`);
    return accessOf({ name, namespace }, "adminApi", access, { ca });
  }

  #tunnels(namespace: string, names: readonly string[]): Record<string, string> {
    return Object.fromEntries(
      names.map((name) => [name, `${this.#addresses[`${name}.${namespace}`]}:${portNumbers.adminApi}`]),
    );
  }

  /** @throws Error with what the engine and the nodes said when a run has failed */
  succeeded(outcome: Outcome): Outcome {
    if (outcome.exitCode === 0) return outcome;
    const logs = this.kubelet.nodes.map((node) => `${node}:\n${this.kubelet.log(node).slice(-3000)}`);
    throw new Error([outcome.output, ...logs].join("\n"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#after.disposeAsync();
  }
}

/** What was done to resources; the engine's own provider of dynamic ones is nobody's. */
export function done({ steps }: Outcome, op: string): string[] {
  return steps
    .filter((step) => step.op === op && step.type !== "pulumi:providers:pulumi-nodejs")
    .map(({ name }) => name);
}
