/** How a proxy runs in a cluster, whatever proxy it is: several pods apart from each other, with no right that they do not need. */
import {
  type Deployment as AppsDeployment,
  Deployment as DeploymentResource,
} from "@pulumi/kubernetes/apps/v1/deployment.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import type { core } from "@pulumi/kubernetes/types/input.js";
import type { Input, Resource } from "@pulumi/pulumi";
import type { Environment } from "../deployment/deployment.ts";

/** How many pods a proxy has, by environment. */
export const proxyReplicas: Readonly<Record<Environment, number>> = { dev: 1, staging: 2, production: 3 };

/** Seconds that an ending pod goes on serving, so that nobody is sent to it any more when it stops. */
const farewellSeconds = 10;

/** A port that a proxy listens on. */
export interface ProxyPort {
  readonly name: string;
  readonly port: number;
}

/** The pods of a proxy. */
export interface ProxyPods {
  readonly namespace: Input<string>;
  readonly labels: Readonly<Record<string, string>>;
  /** Those of `labels` by which the pods are told from all others. */
  readonly selector: Readonly<Record<string, string>>;
  readonly image: string;
  readonly args?: readonly Input<string>[];
  /** User that the image's program runs as. */
  readonly user: number;
  /** Absent where something else decides it. */
  readonly replicas?: number;
  readonly ports: readonly ProxyPort[];
  /** What answers with 200 while it works. */
  readonly health: { readonly port: string; readonly path: string };
  /** Service account whose token is mounted. Absent: the pods cannot speak to the API server. */
  readonly serviceAccount?: Input<string>;
  /** Files from ConfigMaps and Secrets, by the folder that they are in. */
  readonly files?: Readonly<Record<string, { readonly configMap: Input<string> } | { readonly secret: Input<string> }>>;
  /** Folders that the program writes to. */
  readonly writable?: readonly string[];
  /** Makes new pods when it changes. */
  readonly revision?: Input<string>;
  readonly memory: string;
}

/** Makes the Deployment and the PodDisruptionBudget of a proxy. Two resources. */
export function makeProxyPods(name: string, pods: ProxyPods, parent: Resource): AppsDeployment {
  const metadata = { name, namespace: pods.namespace, labels: pods.labels };
  new PodDisruptionBudget(
    name,
    // One at a time, also where there is only one: a budget that forbids it would keep machines from being replaced.
    { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: pods.selector } } },
    { parent },
  );
  return new DeploymentResource(
    name,
    {
      metadata,
      spec: {
        ...(pods.replicas !== undefined && { replicas: pods.replicas }),
        revisionHistoryLimit: 3,
        selector: { matchLabels: pods.selector },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: {
            labels: pods.labels,
            ...(pods.revision !== undefined && { annotations: { "pulumi-canton/revision": pods.revision } }),
          },
          spec: podSpec(pods),
        },
      },
    },
    { parent },
  );
}

function podSpec(pods: ProxyPods): core.v1.PodSpec {
  const { serviceAccount } = pods;
  const folders = [
    ...Object.entries(pods.files ?? {}).map(([mountPath, source], index) => ({
      mount: { name: `files${index}`, mountPath, readOnly: true },
      volume:
        "secret" in source
          ? { secret: { secretName: source.secret, defaultMode: 0o440 } }
          : { configMap: { name: source.configMap } },
    })),
    ...(pods.writable ?? []).map((mountPath, index) => ({
      mount: { name: `writable${index}`, mountPath },
      volume: { emptyDir: { sizeLimit: "64Mi" } },
    })),
  ];
  const probe = { httpGet: { port: pods.health.port, path: pods.health.path } };
  return {
    automountServiceAccountToken: serviceAccount !== undefined,
    ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: pods.user,
      runAsGroup: pods.user,
      fsGroup: pods.user,
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: [
      spread("topology.kubernetes.io/zone", "ScheduleAnyway", pods.selector),
      spread("kubernetes.io/hostname", "DoNotSchedule", pods.selector),
    ],
    terminationGracePeriodSeconds: farewellSeconds + 30,
    containers: [
      {
        name: "proxy",
        image: pods.image,
        imagePullPolicy: "IfNotPresent",
        ...(pods.args && { args: [...pods.args] }),
        ports: pods.ports.map(({ name, port }) => ({ name, containerPort: port })),
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        resources: { requests: { cpu: "100m", memory: pods.memory }, limits: { memory: pods.memory } },
        startupProbe: { ...probe, periodSeconds: 1, failureThreshold: 60 },
        readinessProbe: { ...probe, periodSeconds: 5, failureThreshold: 2 },
        livenessProbe: { ...probe, periodSeconds: 10, failureThreshold: 6 },
        lifecycle: { preStop: { sleep: { seconds: farewellSeconds } } },
        volumeMounts: folders.map(({ mount }) => mount),
      },
    ],
    volumes: folders.map(({ mount, volume }) => ({ name: mount.name, ...volume })),
  };
}

/** Only pods of one revision count, or the last pods of a rollout would find no place. */
function spread(
  topologyKey: string,
  whenUnsatisfiable: string,
  matchLabels: Readonly<Record<string, string>>,
): core.v1.TopologySpreadConstraint {
  return {
    topologyKey,
    whenUnsatisfiable,
    maxSkew: 1,
    labelSelector: { matchLabels },
    matchLabelKeys: ["pod-template-hash"],
  };
}
