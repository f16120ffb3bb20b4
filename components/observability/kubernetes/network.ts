/** Who of the monitoring talks to whom, as NetworkPolicies: what is not listed here is closed. Pure. */
import { inNamespace } from "../../platform/kubernetes/labels.ts";
import { nameResolution } from "../../platform/kubernetes/name-resolution.ts";
import { alertmanagerPeerPort, httpPorts, monitoringLabels, type Part, partLabels } from "./names.ts";

/** A call from one part to another. */
interface Flow {
  readonly from: Part;
  readonly to: Part;
  readonly ports: readonly number[];
}

/** What there is, and what of the world outside is called. */
export interface NetworkOptions {
  readonly parts: readonly Part[];
  /** Namespaces of the nodes, and the port that serves their metrics. */
  readonly nodes: { readonly namespaces: readonly string[]; readonly port: number };
  /** The kubelets are asked how full volumes are. */
  readonly volumes: boolean;
  /** Ports on which Alertmanager calls mail servers and chats. */
  readonly alertPorts: readonly number[];
  /** Ports of databases that are looked at. */
  readonly databasePorts: readonly number[];
  /** Loki keeps logs in a bucket. */
  readonly bucket: boolean;
  /** Port of a SIEM. */
  readonly siemPort?: number;
  /** Namespace of the ingress that leads to Grafana; absent: nobody reaches it but by a port-forward. */
  readonly grafanaFrom?: string;
}

/** A policy of the monitoring's namespace. */
export interface NetworkPolicyPlan {
  readonly name: string;
  readonly spec: {
    readonly podSelector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly policyTypes: string[];
    readonly ingress?: { from: object[]; ports: Port[] }[];
    readonly egress?: { to?: object[]; ports: Port[] }[];
  };
}

interface Port {
  readonly port: number;
  readonly protocol: string;
}

const tcp = (...ports: readonly number[]): Port[] => ports.map((port) => ({ port, protocol: "TCP" }));
const podsOf = (part: Part) => ({ podSelector: { matchLabels: partLabels(part) } });
/** Addresses of a machine that give out a cloud identity's credentials. */
const identity = { to: [{ ipBlock: { cidr: "169.254.0.0/16" } }], ports: tcp(80, 988) };

/** Calls between parts. */
function flows(present: readonly Part[]): Flow[] {
  const http = (from: Part, to: Part): Flow => ({ from, to, ports: [httpPorts[to]] });
  const all: Flow[] = [
    // Prometheus scrapes all, itself too.
    ...present.map((part) => http("prometheus", part)),
    { from: "alertmanager", to: "alertmanager", ports: [alertmanagerPeerPort] },
    http("loki", "alertmanager"),
    http("fluent-bit", "loki"),
    http("grafana", "prometheus"),
    http("grafana", "loki"),
    http("grafana", "alertmanager"),
  ];
  return all.filter(({ from, to }) => present.includes(from) && present.includes(to));
}

/** What parts call outside of the monitoring's namespace. An address that is not known before, such as the API server's, is any. */
function outward(part: Part, options: NetworkOptions): NonNullable<NetworkPolicyPlan["spec"]["egress"]> {
  const anywhere = (...ports: readonly number[]) => (ports.length === 0 ? [] : [{ ports: tcp(...new Set(ports)) }]);
  switch (part) {
    case "prometheus":
      return [
        { to: options.nodes.namespaces.map(inNamespace), ports: tcp(options.nodes.port) },
        ...anywhere(443, 6443, ...(options.volumes ? [10250] : [])),
      ];
    case "alertmanager":
      return anywhere(...options.alertPorts);
    case "loki":
      return options.bucket ? [...anywhere(443), identity] : [];
    case "fluent-bit":
      return anywhere(...(options.siemPort === undefined ? [] : [options.siemPort]));
    case "postgres-exporter":
      return anywhere(...options.databasePorts);
    case "grafana":
      return [];
  }
}

/** The policies: one that closes everything, one for name resolution, and one for each part. */
export function networkPolicies(options: NetworkOptions): NetworkPolicyPlan[] {
  const calls = flows(options.parts);
  return [
    { name: "default-deny", spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] } },
    {
      name: "names",
      spec: { podSelector: { matchLabels: monitoringLabels }, policyTypes: ["Egress"], egress: [...nameResolution] },
    },
    ...options.parts.map((part): NetworkPolicyPlan => {
      const ingress = calls
        .filter(({ to }) => to === part)
        .map(({ from, ports }) => ({ from: [podsOf(from)] as object[], ports: tcp(...ports) }));
      if (part === "grafana" && options.grafanaFrom !== undefined) {
        ingress.push({ from: [inNamespace(options.grafanaFrom)], ports: tcp(httpPorts.grafana) });
      }
      const egress = [
        ...calls
          .filter(({ from }) => from === part)
          .map(({ to, ports }) => ({ to: [podsOf(to)], ports: tcp(...ports) })),
        ...outward(part, options),
      ];
      return {
        name: part,
        spec: {
          podSelector: { matchLabels: partLabels(part) },
          policyTypes: ["Ingress", "Egress"],
          ingress,
          egress,
        },
      };
    }),
  ];
}
