import fc from "fast-check";
import { expect, test } from "vitest";
import type { PortName, Role } from "../platform.ts";
import { accessOf, certificateNames, endpointsOf, serviceName } from "./access.ts";
import { groupLabel, nodeLabel } from "./labels.ts";
import { portNames, portNumbers } from "./layout.ts";
import { nodeProgram } from "./node-config.ts";
import { budgetOf, deploymentOf, type PodPlan, serviceOf } from "./pod-plan.ts";
import { heapOf, replicasOf, resourcesOf, rolePlans } from "./roles.ts";

const roles = Object.keys(rolePlans) as Role[];
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,38}[a-z0-9]$/);
const plans: fc.Arbitrary<PodPlan> = fc
  .record({
    name,
    group: name,
    role: fc.constantFrom(...roles),
    standbys: fc.integer({ min: 0, max: 4 }),
    heapMiB: fc.option(fc.integer({ min: 128, max: 8192 }), { nil: undefined }),
    ports: fc.subarray<PortName>(["adminApi", "publicApi", "ledgerApi"]),
    spread: fc.constantFrom("required" as const, "preferred" as const),
  })
  .map(({ standbys, heapMiB, ports, ...plan }) => {
    const resources = resourcesOf(plan.role, {}, heapMiB);
    return {
      ...plan,
      namespace: "canton",
      labels: { deployment: "canton" },
      image: "registry/node:1",
      imagePullSecrets: [],
      revision: "r",
      ports: [...ports, "health" as const],
      replicas: replicasOf(plan.role, standbys),
      resources,
      serviceAccount: "canton",
      certificateSecret: plan.name,
      program: nodeProgram(heapOf(resources)),
    };
  });

test("objects of a node find each other, and the program's heap fits into its memory", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const { spec } = deploymentOf(plan);
      const { labels } = spec.template.metadata;
      const [container] = spec.template.spec.containers;
      const service = serviceOf(plan, false);
      expect(spec.selector.matchLabels).toEqual({ [nodeLabel]: plan.name });
      expect(labels).toMatchObject(service.spec.selector);
      expect(labels).toMatchObject(budgetOf(plan, plan.replicas).spec.selector.matchLabels);
      expect(spec.template.spec.topologySpreadConstraints[0]?.labelSelector.matchLabels).toEqual({
        [groupLabel]: plan.group,
      });
      expect(service.spec.ports.map(({ targetPort }) => targetPort)).toEqual(container?.ports.map((port) => port.name));
      for (const each of container?.ports ?? []) expect(each.name.length).toBeLessThanOrEqual(15);
      const heap = Number(/=(\d+)$/.exec(plan.program.env["NODE_OPTIONS"] ?? "")?.[1]);
      expect(heap).toBeLessThan(plan.resources.memoryMiB);
      const mounted = new Set(container?.volumeMounts.map((mount) => mount.name));
      expect(new Set(spec.template.spec.volumes.map((volume) => volume.name))).toEqual(mounted);
    }),
  );
});

test("two processes never use a database that is for one, and of standbys a rollout needs none to be ready", () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const { replicas, strategy } = deploymentOf(plan).spec;
      if (rolePlans[plan.role].processes === "single") {
        expect([replicas, strategy]).toEqual([1, { type: "Recreate" }]);
      } else {
        expect(strategy).toEqual({ type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: replicas } });
      }
    }),
  );
});

test("a node is given the heap that its component asks for", () => {
  fc.assert(
    fc.property(fc.constantFrom(...roles), fc.integer({ min: 64, max: 16_384 }), (role, heap) => {
      expect(heapOf(resourcesOf(role, {}, heap))).toBeGreaterThanOrEqual(heap);
    }),
  );
});

test("nodes are dialled by a name that their certificate bears, also through a tunnel", () => {
  fc.assert(
    fc.property(name, name, fc.integer({ min: 1, max: 65_535 }), (node, namespace, port) => {
      const at = { name: node, namespace, ports: ["adminApi", "health"] as const };
      const names = certificateNames(node, namespace);
      expect(names).toContain(endpointsOf(at, true)["adminApi"]?.address);
      expect(endpointsOf(at, false)["health"]?.tls).toBeUndefined();
      const tls = { ca: "pem" };
      expect(accessOf(at, "adminApi", { via: "cluster" }, tls)).toEqual({
        address: serviceName(node, namespace),
        port: portNumbers.adminApi,
        url: `https://${serviceName(node, namespace)}:${portNumbers.adminApi}`,
        tls,
      });
      const tunnelled = accessOf(at, "adminApi", { via: "tunnels", tunnels: { [node]: `127.0.0.1:${port}` } }, tls);
      expect(tunnelled.port).toBe(port);
      expect(names).toContain(tunnelled.tls?.serverName);
    }),
  );
});

test("no two ports share a number or a name", () => {
  expect(new Set(Object.values(portNumbers)).size).toBe(Object.keys(portNumbers).length);
  expect(new Set(Object.values(portNames)).size).toBe(Object.keys(portNames).length);
});
