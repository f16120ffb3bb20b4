import type { Values } from "../wire.ts";
import { type Cloud, digits, type Making, numberBelow, uuid } from "./cloud.ts";

/** Fields that an API server does not let anybody change, by kind; what the official provider replaces on. */
const createOnly: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: ["binaryData", "data", "immutable"],
  CSIDriver: ["spec.attachRequired", "spec.volumeLifecycleModes"],
  DaemonSet: ["spec.selector"],
  Deployment: ["spec.selector"],
  Job: ["spec.completions", "spec.selector", "spec.template", "spec.completionMode"],
  PersistentVolumeClaim: [
    "spec.accessModes",
    "spec.selector",
    "spec.storageClassName",
    "spec.volumeMode",
    "spec.volumeName",
  ],
  RoleBinding: ["roleRef"],
  ClusterRoleBinding: ["roleRef"],
  ReplicaSet: ["spec.selector"],
  Secret: ["data", "immutable", "stringData", "type"],
  Service: ["spec.clusterIP"],
  StatefulSet: ["spec.podManagementPolicy", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"],
  StorageClass: ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"],
};

function metadata({ inputs }: Pick<Making, "inputs">): Values {
  return (inputs["metadata"] as Values | undefined) ?? {};
}

function kindOf({ token, inputs }: Pick<Making, "token" | "inputs">): string {
  return String(inputs["kind"] ?? token.split(":").at(-1));
}

/** Kinds that are in no namespace. */
const clusterWide =
  /^(Namespace|Node|ClusterRole|ClusterRoleBinding|PersistentVolume|StorageClass|PriorityClass|IngressClass|CustomResourceDefinition|ClusterIssuer|ValidatingWebhookConfiguration|MutatingWebhookConfiguration|ValidatingAdmissionPolicy|ValidatingAdmissionPolicyBinding|APIService|CSIDriver|RuntimeClass|FlowSchema|PriorityLevelConfiguration)$/;

function special(making: Making): Values {
  const { seed, inputs } = making;
  const spec = (inputs["spec"] as Values | undefined) ?? {};
  switch (kindOf(making)) {
    case "Service": {
      const clusterIP = spec["clusterIP"] ?? `172.20.${numberBelow(256, seed)}.${1 + numberBelow(250, seed, "host")}`;
      const ingress = [{ ip: spec["loadBalancerIP"] ?? `203.0.113.${1 + numberBelow(254, seed)}` }];
      const status = spec["type"] === "LoadBalancer" ? { loadBalancer: { ingress } } : { loadBalancer: {} };
      return { spec: { ...spec, clusterIP, clusterIPs: [clusterIP], type: spec["type"] ?? "ClusterIP" }, status };
    }
    case "Deployment":
    case "StatefulSet": {
      const replicas = spec["replicas"] ?? 1;
      return {
        status: {
          replicas,
          readyReplicas: replicas,
          availableReplicas: replicas,
          updatedReplicas: replicas,
          observedGeneration: 1,
        },
      };
    }
    case "Namespace":
      return { status: { phase: "Active" } };
    case "Job":
      return { status: { succeeded: 1, conditions: [{ type: "Complete", status: "True" }] } };
    case "Ingress":
      return { status: { loadBalancer: { ingress: [{ hostname: `${digits(seed, 10)}.ingress.stand-in.example` }] } } };
    default:
      return {};
  }
}

/** Objects of a Kubernetes API server, custom ones too. */
export const kubernetes: Cloud = {
  autoName: (token) => (token.startsWith("kubernetes:helm.sh/") ? "name" : "metadata.name"),
  nameFrom: (name, suffix) => `${name}-${suffix}`,
  createOnly(token) {
    return [
      "apiVersion",
      "kind",
      "metadata.name",
      "metadata.namespace",
      ...(createOnly[token.split(":").at(-1) ?? ""] ?? []),
    ];
  },
  id(making) {
    const { name, namespace } = metadata(making);
    return clusterWide.test(kindOf(making)) ? String(name) : `${namespace ?? "default"}/${name}`;
  },
  occupies: (making) => kubernetes.id(making),
  outputs(making) {
    const { seed, schema, inputs, token } = making;
    if (token.startsWith("kubernetes:helm.sh/"))
      return { status: { status: "deployed", revision: 1, name: inputs["name"] } };
    const [, apiVersion = "", kind = ""] = token.split(":");
    const object = metadata(making);
    const namespace = clusterWide.test(kindOf(making)) ? {} : { namespace: object["namespace"] ?? "default" };
    return {
      apiVersion: inputs["apiVersion"] ?? apiVersion.replace(/^core\//, ""),
      kind: inputs["kind"] ?? kind,
      metadata: {
        ...namespace,
        ...object,
        uid: uuid(seed),
        resourceVersion: "1",
        generation: 1,
        creationTimestamp: "2026-01-01T00:00:00Z",
      },
      ...(schema === undefined || schema.outputs["status"] !== undefined ? special(making) : {}),
    };
  },
  text: () => undefined,
  handles: () => [],
};
