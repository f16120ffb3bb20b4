/** Where a node's servers are: for other nodes, and for the machine that runs the program. Pure. */
import type { Endpoint, EndpointTls, PortName } from "../platform.ts";
import { configKeys, configPath, portNumbers } from "./layout.ts";
import { administratorCertificate } from "./node-config.ts";

/** How the machine that runs the program reaches nodes. */
export type Access =
  /** By the names of Services: it runs in the cluster, or in a network that resolves and routes them. */
  | { readonly via: "cluster" }
  /**
   * By ports of its own that somebody forwards (`kubectl port-forward`, ssh through a bastion): admin APIs by node, or by node and
   * port. Example: `{ alice: { adminApi: "127.0.0.1:15002", ledgerApi: "127.0.0.1:15011" } }`.
   */
  | {
      readonly via: "tunnels";
      readonly tunnels: Readonly<Record<string, string | Partial<Readonly<Record<string, string>>>>>;
    };

/** The name of a node's Service, for everything in the cluster. */
export function serviceName(name: string, namespace: string): string {
  return `${name}.${namespace}.svc.cluster.local`;
}

/** All names that the certificate of a node bears. */
export function certificateNames(name: string, namespace: string): string[] {
  return [serviceName(name, namespace), `${name}.${namespace}.svc`, `${name}.${namespace}`, name];
}

/** Where other nodes reach a node. */
export function endpointsOf(
  {
    name,
    namespace,
    ports,
  }: { readonly name: string; readonly namespace: string; readonly ports: readonly PortName[] },
  mutualTls: boolean,
): Record<string, Endpoint> {
  return Object.fromEntries(
    ports.map((port) => {
      const endpoint = endpointAt(serviceName(name, namespace), portNumbers[port], port !== "health");
      if (port === "health") return [port, endpoint];
      const client = port === "adminApi" && mutualTls ? administratorCertificate : {};
      return [port, { ...endpoint, tls: { caFile: configPath(configKeys.servers), ...client } }];
    }),
  );
}

/**
 * Where this machine reaches a port of a node.
 *
 * @param tls what this machine trusts and shows, as texts
 * @throws Error naming the tunnel of an admin API that is missing
 */
export function accessOf(
  { name, namespace }: { readonly name: string; readonly namespace: string },
  port: PortName,
  access: Access,
  tls: EndpointTls | undefined,
): Endpoint {
  const inside = serviceName(name, namespace);
  const tunnel = access.via === "tunnels" ? tunnelOf(access.tunnels[name], port) : undefined;
  if (tunnel === undefined) {
    if (access.via === "tunnels" && port === "adminApi") {
      throw new Error(
        `access.tunnels.${name}: is missing; expected where the admin API of ${name} is forwarded to, such as "127.0.0.1:15002"`,
      );
    }
    const endpoint = endpointAt(inside, portNumbers[port], tls !== undefined);
    return { ...endpoint, ...(tls && { tls }) };
  }
  const match = /^(\S+):(\d{1,5})$/.exec(tunnel);
  if (match === null) throw new Error(`access.tunnels.${name}: got "${tunnel}"; expected host:port`);
  const endpoint = endpointAt(match[1] as string, Number(match[2]), tls !== undefined);
  return { ...endpoint, ...(tls && { tls: { ...tls, serverName: inside } }) };
}

function tunnelOf(
  tunnel: string | Partial<Readonly<Record<string, string>>> | undefined,
  port: PortName,
): string | undefined {
  if (typeof tunnel === "string") return port === "adminApi" ? tunnel : undefined;
  return tunnel?.[port];
}

function endpointAt(address: string, port: number, tls: boolean): Endpoint {
  return { address, port, url: `${tls ? "https" : "http"}://${address}:${port}` };
}
