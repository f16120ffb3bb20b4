/** The objects of a node: Deployment, Service, disruption budget. Pure. */
import type { Input } from "@pulumi/pulumi";
import type { PortName, Role } from "../platform.ts";
import { groupLabel, nodeLabel, nodeLabels, revisionAnnotation } from "./labels.ts";
import {
  certificateFolder,
  certificateKeys,
  configFolder,
  portNames,
  portNumbers,
  secretFolder,
  user,
} from "./layout.ts";
import { type NodeResources, rolePlans } from "./roles.ts";

/** A question to a container, which answers well or not. */
export type Probe =
  | { readonly httpGet: { readonly path: string; readonly port: string } }
  | { readonly grpc: { readonly port: number; readonly service: string } };

/** How a container of a role is started and probed: ours, or Canton's. */
export interface Program {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Variables whose value is a key of the node's Secret. */
  readonly secretEnv: Readonly<Record<string, string>>;
  readonly probes: { readonly startup: Probe; readonly live: Probe; readonly ready: Probe };
}

/** A node, as its objects show it. */
export interface PodPlan {
  readonly name: string;
  readonly role: Role;
  /** Nodes of the same group are kept apart. */
  readonly group: string;
  readonly namespace: string;
  /** Labels of every object besides the node's own. */
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly imagePullSecrets: readonly string[];
  /** Changes with all that the node reads: another one calls for other pods. */
  readonly revision: Input<string>;
  readonly ports: readonly PortName[];
  readonly replicas: number;
  readonly resources: NodeResources;
  /** `required`: a pod waits rather than share a zone or machine with another of its group. */
  readonly spread: "required" | "preferred";
  readonly serviceAccount: Input<string>;
  /** The Secret with the server's certificate. */
  readonly certificateSecret: string;
  readonly program: Program;
}

/** How long a pod that is to end goes on serving, in seconds: routes forget it, and a standby comes up meanwhile. */
const goodbyeSeconds = { single: 5, standby: 15 } as const;
/** How long a node is given to close, in seconds: its own limit is 15. */
const closeSeconds = 20;

/** May do nothing that it does not need: what the Pod Security Standard `restricted` asks for, and a file system that is only read. */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

/** The same for the pod as a whole. */
export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  fsGroup: user,
  seccompProfile: { type: "RuntimeDefault" },
};

/** What is common to the metadata of a node's objects. */
export function metadataOf(plan: Pick<PodPlan, "name" | "role" | "group" | "namespace" | "labels">) {
  return {
    name: plan.name,
    namespace: plan.namespace,
    labels: { ...plan.labels, ...nodeLabels(plan.name, plan.role, plan.group) },
  };
}

/** Nobody waits for it by its own state, which for a standby is never complete: the node itself is asked. */
const unawaited = { "pulumi.com/skipAwait": "true" };

/** The Deployment of a node. */
export function deploymentOf(plan: PodPlan) {
  const { processes } = rolePlans[plan.role];
  const metadata = metadataOf(plan);
  return {
    metadata: { ...metadata, annotations: unawaited },
    spec: {
      replicas: plan.replicas,
      revisionHistoryLimit: 3,
      selector: { matchLabels: { [nodeLabel]: plan.name } },
      strategy: strategyOf(processes, plan.replicas),
      template: {
        metadata: {
          labels: metadata.labels,
          annotations: { [revisionAnnotation]: plan.revision },
        },
        spec: {
          serviceAccountName: plan.serviceAccount,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(plan.imagePullSecrets.length > 0 && {
            imagePullSecrets: plan.imagePullSecrets.map((name) => ({ name })),
          }),
          terminationGracePeriodSeconds: goodbyeSeconds[processes] + closeSeconds,
          securityContext: podSecurity,
          ...spreadOf(plan.group, plan.spread),
          containers: [containerOf(plan)],
          volumes: volumesOf(plan),
        },
      },
    },
  };
}

/**
 * A node that works alone with its database ends before the next one starts. Of standbys only the one that works is ready, so a
 * rollout that waits for ready pods would wait for ever: all old ones are told to end once a new one is there to take over, and
 * serve on for the time of their goodbye.
 */
function strategyOf(processes: "single" | "standby", replicas: number) {
  return processes === "single"
    ? { type: "Recreate" }
    : { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: replicas } };
}

/** Kept apart over zones and machines from the others of its group. */
function spreadOf(group: string, spread: PodPlan["spread"]) {
  const labelSelector = { matchLabels: { [groupLabel]: group } };
  const apart = { labelSelector, topologyKey: "kubernetes.io/hostname" };
  return {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: spread === "required" ? "DoNotSchedule" : "ScheduleAnyway",
        labelSelector,
      },
    ],
    affinity: {
      podAntiAffinity:
        spread === "required"
          ? { requiredDuringSchedulingIgnoredDuringExecution: [apart] }
          : { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: apart }] },
    },
  };
}

function containerOf(plan: PodPlan) {
  const { program, resources } = plan;
  const { processes } = rolePlans[plan.role];
  return {
    name: "node",
    image: plan.image,
    imagePullPolicy: "IfNotPresent",
    args: [...program.args],
    env: [
      { name: "NODE_REVISION", value: plan.revision },
      ...Object.entries(program.env).map(([name, value]) => ({ name, value })),
      ...Object.entries(program.secretEnv).map(([name, key]) => ({
        name,
        valueFrom: { secretKeyRef: { name: plan.name, key } },
      })),
    ],
    ports: plan.ports.map((port) => ({ name: portNames[port], containerPort: portNumbers[port], protocol: "TCP" })),
    startupProbe: { ...program.probes.startup, timeoutSeconds: 3, periodSeconds: 2, failureThreshold: 90 },
    livenessProbe: { ...program.probes.live, timeoutSeconds: 3, periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...program.probes.ready, timeoutSeconds: 3, periodSeconds: 5, failureThreshold: 2 },
    resources: {
      requests: { cpu: `${resources.cpuMillis}m`, memory: `${resources.memoryMiB}Mi` },
      limits: { cpu: `${resources.cpuLimitMillis}m`, memory: `${resources.memoryMiB}Mi` },
    },
    securityContext: containerSecurity,
    lifecycle: { preStop: { sleep: { seconds: goodbyeSeconds[processes] } } },
    volumeMounts: [
      { name: "config", mountPath: configFolder, readOnly: true },
      { name: "secrets", mountPath: secretFolder, readOnly: true },
      { name: "certificate", mountPath: certificateFolder, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

/** Files of Secrets are for the group of the pod, which nodes insist on. */
const secretMode = 0o440;

function volumesOf(plan: PodPlan) {
  return [
    { name: "config", configMap: { name: plan.name, defaultMode: 0o444 } },
    { name: "secrets", secret: { secretName: plan.name, defaultMode: secretMode } },
    {
      name: "certificate",
      secret: {
        secretName: plan.certificateSecret,
        defaultMode: secretMode,
        items: Object.values(certificateKeys).map((key) => ({ key, path: key })),
      },
    },
    { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
  ];
}

/**
 * The Service of a node: who calls it reaches the pod that is ready, which of standbys is the one that works.
 *
 * @param beforeReady also pods that are not: a node that others set to work is called before
 */
export function serviceOf(
  plan: Pick<PodPlan, "name" | "role" | "group" | "namespace" | "labels" | "ports">,
  beforeReady: boolean,
) {
  return {
    metadata: { ...metadataOf(plan), annotations: unawaited },
    spec: {
      type: "ClusterIP",
      selector: { [nodeLabel]: plan.name },
      publishNotReadyAddresses: beforeReady,
      ports: plan.ports.map((port) => ({
        name: portNames[port],
        port: portNumbers[port],
        targetPort: portNames[port],
        protocol: "TCP",
      })),
    },
  };
}

/**
 * The disruption budget of a group: of nodes that stand in for each other one at a time is moved. Of the pods of one node only
 * the one that works is ready, and a budget that counts the others as missing would never let it move.
 *
 * @param replicas pods of each node
 */
export function budgetOf(plan: Pick<PodPlan, "group" | "namespace" | "labels">, replicas: number) {
  return {
    metadata: { name: plan.group, namespace: plan.namespace, labels: { ...plan.labels, [groupLabel]: plan.group } },
    spec: {
      maxUnavailable: replicas,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: { [groupLabel]: plan.group } },
    },
  };
}
