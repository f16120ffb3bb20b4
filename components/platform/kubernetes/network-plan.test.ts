import fc from "fast-check";
import { expect, test } from "vitest";
import type { PortName } from "../platform.ts";
import { nodeLabels } from "./labels.ts";
import { portNumbers } from "./layout.ts";
import {
  callPolicies,
  type NetworkNode,
  namespacePolicies,
  type Outside,
  type PolicyPeer,
  type PolicyPlan,
  type Selector,
} from "./network-plan.ts";

const nothing: Outside = {
  databases: [],
  https: [],
  sequencers: [],
  operators: [],
  monitoring: [],
  ingress: [],
  workloadIdentity: false,
};
const callPorts = ["adminApi", "publicApi", "ledgerApi"] as const;

function selects(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ""))
  );
}

/** What Kubernetes' own documentation says of policies: with one that selects a pod, only what a rule lists gets through. */
function letsThrough(policies: readonly PolicyPlan[], from: NetworkNode, to: NetworkNode, port: number): boolean {
  const labels = ({ name }: NetworkNode) => nodeLabels(name, "participant", name);
  const is = (peer: PolicyPeer, node: NetworkNode) =>
    peer.ipBlock === undefined &&
    selects(peer.namespaceSelector ?? {}, { "kubernetes.io/metadata.name": node.namespace }) &&
    selects(peer.podSelector ?? {}, labels(node));
  const of = (node: NetworkNode, type: "Ingress" | "Egress") =>
    policies.filter(
      ({ namespace, spec }) =>
        namespace === node.namespace && spec.policyTypes.includes(type) && selects(spec.podSelector, labels(node)),
    );
  const leaves = of(from, "Egress");
  const arrives = of(to, "Ingress");
  const out = leaves.some(({ spec }) =>
    spec.egress?.some(
      ({ to: peers, ports }) => peers.some((peer) => is(peer, to)) && ports.some((each) => each.port === port),
    ),
  );
  const into = arrives.some(({ spec }) =>
    spec.ingress?.some(
      ({ from: peers, ports }) => peers.some((peer) => is(peer, from)) && ports.some((each) => each.port === port),
    ),
  );
  return (leaves.length === 0 || out) && (arrives.length === 0 || into);
}

const network = fc
  .uniqueArray(
    fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e"), namespace: fc.constantFrom("one", "two") }),
    { minLength: 2, maxLength: 6, selector: ({ name, namespace }) => `${namespace}/${name}` },
  )
  .chain((nodes) =>
    fc.record({
      nodes: fc.constant(nodes),
      calls: fc.array(
        fc.record({
          caller: fc.constantFrom(...nodes),
          callees: fc.uniqueArray(fc.constantFrom(...nodes), { minLength: 1, maxLength: 3 }),
          ports: fc.uniqueArray(fc.constantFrom<PortName>(...callPorts), { minLength: 1 }),
        }),
        { maxLength: 5 },
      ),
    }),
  );

test("exactly the calls that were told get through, and every one has both of its sides", () => {
  fc.assert(
    fc.property(network, ({ nodes, calls }) => {
      const policies = [
        ...["one", "two"].flatMap((namespace) => namespacePolicies(namespace, nothing)),
        ...calls.flatMap(({ caller, callees, ports }, index) => callPolicies(`call-${index}`, caller, callees, ports)),
      ];
      for (const from of nodes) {
        for (const to of nodes) {
          for (const port of [...callPorts, "health"] as const) {
            const told = calls.some(
              (call) => call.caller === from && call.callees.includes(to) && call.ports.includes(port),
            );
            expect(letsThrough(policies, from, to, portNumbers[port])).toBe(told);
          }
        }
      }
      const names = policies.map(({ namespace, name }) => `${namespace}/${name}`);
      expect(new Set(names).size).toBe(names.length);
    }),
  );
});

test("a namespace is closed, and opens only for what is configured", () => {
  expect(namespacePolicies("canton", nothing).map(({ name }) => name)).toEqual(["default-deny", "names"]);
  expect(namespacePolicies("canton", nothing)[0]?.spec).toEqual({
    podSelector: {},
    policyTypes: ["Ingress", "Egress"],
  });
  const open = namespacePolicies("canton", {
    databases: [{ peer: { cidr: "10.0.2.0/24" }, port: 5432 }],
    https: [{ cidr: "0.0.0.0/0" }],
    identityProvider: { peer: { namespace: "traefik" }, port: 8443 },
    sequencers: [{ peer: { cidr: "192.0.2.1/32" }, port: 443 }],
    operators: [{ cidr: "10.0.9.0/24" }],
    monitoring: [{ namespace: "monitoring", podLabels: { app: "prometheus" } }],
    ingress: [{ namespace: "traefik" }],
    workloadIdentity: true,
  });
  const byName = Object.fromEntries(open.map(({ name, spec }) => [name, spec]));
  expect(Object.keys(byName)).toEqual([
    "default-deny",
    "names",
    "databases",
    "outside",
    "identity-provider",
    "other-sequencers",
    "operators",
    "monitoring",
    "ingress-to-sequencers",
    "ingress-to-participants",
  ]);
  expect(byName["identity-provider"]).toEqual({
    podSelector: {
      matchExpressions: [{ key: "app.kubernetes.io/name", operator: "In", values: ["participant", "application"] }],
    },
    policyTypes: ["Egress"],
    egress: [
      {
        to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "traefik" } } }],
        ports: [{ port: 8443, protocol: "TCP" }],
      },
    ],
  });
  expect(byName["databases"]?.egress).toEqual([
    { to: [{ ipBlock: { cidr: "10.0.2.0/24" } }], ports: [{ port: 5432, protocol: "TCP" }] },
  ]);
  expect(byName["monitoring"]?.ingress).toEqual([
    {
      from: [
        {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
          podSelector: { matchLabels: { app: "prometheus" } },
        },
      ],
      ports: [{ port: 8080, protocol: "TCP" }],
    },
  ]);
  expect(byName["operators"]?.ingress?.[0]?.ports.map(({ port }) => port)).toEqual([5002, 5011]);
  expect(byName["outside"]?.egress?.map(({ ports }) => ports.map(({ port }) => port))).toEqual([
    [443],
    [80],
    [80],
    [987, 988],
  ]);
});

test("in a namespace that another stack has closed, what is opened bears the name of who opens it", () => {
  const outside: Outside = { ...nothing, databases: [{ peer: { cidr: "10.0.2.0/24" }, port: 5432 }] };
  const [own] = namespacePolicies("canton", outside).filter(({ name }) => name === "databases");
  expect(namespacePolicies("canton", outside, "bridge")).toEqual([{ ...own, name: "databases.bridge" }]);
});

test("calls to nobody open nothing", () => {
  expect(callPolicies("x", { name: "a", namespace: "one" }, [], ["adminApi"])).toEqual([]);
});
