/** What everything of the stack stands on: the cluster, its storage class, and namespaces. */
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import { StorageClass } from "@pulumi/kubernetes/storage/v1/storageClass.js";
import { type ComponentResourceOptions, type CustomResourceOptions, type Resource, secret } from "@pulumi/pulumi";
import type { Deployment } from "@pulumi-canton/components/deployment/deployment.ts";
import type { ClusterState } from "@pulumi-canton/components/platform/kubernetes/cluster.ts";
import { commonLabels } from "@pulumi-canton/components/platform/kubernetes/labels.ts";
import type { InfrastructureState } from "../infrastructure/outputs.ts";
import { kubeconfigOf } from "../infrastructure/reference.ts";
import type { ClusterServicesConfig, Namespaces } from "./config.ts";

/** What components are made with. */
export interface Place {
  readonly deployment: Deployment;
  readonly namespaces: Namespaces;
  readonly cluster: ClusterState;
  readonly labels: Record<string, string>;
  /** Databases and namespaces are protected, and stay when the stack goes. */
  readonly retain: boolean;
  /** For objects of the cluster. */
  readonly inCluster: { readonly provider: Provider };
  /** For those that are protected and stay with it. */
  readonly kept: CustomResourceOptions;
  /** For components: the cluster, and what has to be there before. */
  readonly options: ComponentResourceOptions;
}

/** The cluster: that of the infrastructure, or the configuration's. */
export function clusterOf(
  { cluster }: ClusterServicesConfig,
  infrastructure: InfrastructureState | undefined,
): ClusterState {
  if (infrastructure !== undefined) return infrastructure.cluster;
  if (cluster === undefined) throw new Error("cluster was not checked");
  const { storageClass, storageClassToMake, zones } = cluster;
  return { kubeconfig: kubeconfigOf(cluster), storageClass, zones, ...(storageClassToMake && { storageClassToMake }) };
}

/** Makes the storage class where it has to be made, and the namespaces of nodes where they are not there. */
export function makePlace(
  config: ClusterServicesConfig,
  deployment: Deployment,
  cluster: ClusterState,
  namespaces: Namespaces,
): Place {
  const retain = deployment.environment === "production";
  const provider = new Provider("cluster", { kubeconfig: secret(cluster.kubeconfig) });
  const labels = commonLabels(deployment);
  const kept: CustomResourceOptions = { provider, protect: retain, retainOnDelete: retain };
  const { storageClassToMake: disks } = cluster;
  const dependsOn: Resource[] = [];
  if (disks !== undefined) {
    dependsOn.push(
      new StorageClass(
        "storage-class",
        {
          metadata: { name: cluster.storageClass, labels },
          provisioner: disks.provisioner,
          parameters: { ...disks.parameters },
          // In the zone of the pod that uses it.
          volumeBindingMode: "WaitForFirstConsumer",
          allowVolumeExpansion: true,
          reclaimPolicy: retain ? "Retain" : "Delete",
        },
        { provider },
      ),
    );
  }
  if (config.createNamespaces) {
    dependsOn.push(...namespaces.nodes.map((name) => restrictedNamespace(name, labels, kept)));
  }
  const options = { providers: [provider], dependsOn };
  return { deployment, namespaces, cluster, labels, retain, inCluster: { provider }, kept, options };
}

/** A namespace whose pods have no rights on the machine. */
export function restrictedNamespace(
  name: string,
  labels: Readonly<Record<string, string>>,
  options: CustomResourceOptions,
): Namespace {
  const security = Object.fromEntries(
    ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, "restricted"]),
  );
  return new Namespace(`namespace-${name}`, { metadata: { name, labels: { ...labels, ...security } } }, options);
}
