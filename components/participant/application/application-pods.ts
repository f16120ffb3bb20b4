/** The objects of one program of an application stack. Pure. */
import type { apps, core, policy } from "@pulumi/kubernetes/types/input.js";
import type { Input } from "@pulumi/pulumi";
import { nodeLabel, roleLabel } from "../../platform/kubernetes/labels.ts";
import { containerSecurity, podSecurity } from "../../platform/kubernetes/pod-plan.ts";
import { applicationPorts, configFolder, secretVariables } from "./services.ts";

/** One program. */
export interface ApplicationProgram {
  /** Name of its objects. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly replicas: number;
  readonly port: number;
  /** MiB, requested and at most. */
  readonly memoryMiB: number;
  /** Stands for its configuration: it restarts when it changes. */
  readonly revision: Input<string>;
  /** The variables of its Secret that it gets. */
  readonly secrets: readonly (keyof typeof secretVariables)[];
  /** Runs once before it, with this file of its configuration. */
  readonly initialiseWith?: string;
}

/** Marks its objects, and its pods for the rules of the network. */
export function applicationLabels({
  name,
  labels,
}: Pick<ApplicationProgram, "name" | "labels">): Record<string, string> {
  return { ...labels, [nodeLabel]: name, [roleLabel]: "application" };
}

const metadataOf = (program: ApplicationProgram) => ({
  name: program.name,
  namespace: program.namespace,
  labels: applicationLabels(program),
});

const selectorOf = ({ name }: ApplicationProgram) => ({ matchLabels: { [nodeLabel]: name } });

/** Its Deployment: rolled out without a pause, pods apart from each other. */
export function applicationDeployment(program: ApplicationProgram): apps.v1.Deployment {
  const selector = selectorOf(program);
  return {
    metadata: metadataOf(program),
    spec: {
      replicas: program.replicas,
      revisionHistoryLimit: 3,
      selector,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: {
          labels: applicationLabels(program),
          annotations: { "canton/revision": program.revision },
        },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: podSecurity,
          terminationGracePeriodSeconds: 40,
          topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
            maxSkew: 1,
            topologyKey,
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: selector,
          })),
          ...(program.initialiseWith !== undefined && {
            initContainers: [containerOf(program, "initialise", program.initialiseWith)],
          }),
          containers: [
            {
              ...containerOf(program, "application", "application.conf"),
              ports: [
                { name: "http", containerPort: program.port },
                { name: "metrics", containerPort: applicationPorts.metrics },
              ],
              startupProbe: { ...probe("/livez"), periodSeconds: 2, failureThreshold: 90 },
              livenessProbe: { ...probe("/livez"), periodSeconds: 10, failureThreshold: 3 },
              readinessProbe: { ...probe("/readyz"), periodSeconds: 5, failureThreshold: 2 },
              lifecycle: { preStop: { sleep: { seconds: 10 } } },
            },
          ],
          volumes: [
            { name: "config", configMap: { name: program.name, defaultMode: 0o444 } },
            { name: "tmp", emptyDir: { sizeLimit: "256Mi" } },
          ],
        },
      },
    },
  };
}

const probe = (path: string) => ({ httpGet: { path, port: "http" }, timeoutSeconds: 5 });

function containerOf(program: ApplicationProgram, name: string, file: string): core.v1.Container {
  return {
    name,
    image: program.image,
    imagePullPolicy: "IfNotPresent",
    args: ["--config", `${configFolder}/${file}`],
    env: [
      // The rest is for what a Java program takes besides its heap.
      { name: "JAVA_TOOL_OPTIONS", value: "-XX:MaxRAMPercentage=65 -Djava.io.tmpdir=/tmp" },
      ...program.secrets.map((key) => ({
        name: secretVariables[key],
        valueFrom: { secretKeyRef: { name: program.name, key } },
      })),
    ],
    resources: {
      requests: { cpu: "250m", memory: `${program.memoryMiB}Mi` },
      limits: { memory: `${program.memoryMiB}Mi` },
    },
    securityContext: containerSecurity,
    volumeMounts: [
      { name: "config", mountPath: configFolder, readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

/** Its Service. */
export function applicationService(program: ApplicationProgram): core.v1.Service {
  return {
    metadata: metadataOf(program),
    spec: {
      type: "ClusterIP",
      selector: selectorOf(program).matchLabels,
      ports: [{ name: "http", port: program.port, targetPort: "http", protocol: "TCP" }],
    },
  };
}

/** Its disruption budget. */
export function applicationBudget(program: ApplicationProgram): policy.v1.PodDisruptionBudget {
  return { metadata: metadataOf(program), spec: { maxUnavailable: 1, selector: selectorOf(program) } };
}
