/** A Kubernetes cluster as the platform sees it, whoever runs it. */
import type { Output } from "@pulumi/pulumi";

/** What a pod needs in order to act as a cloud identity: no credential is stored anywhere. */
export interface WorkloadIdentity {
  /** The service account that the cloud trusts, in the namespace of the deployment. Default name: `canton`. */
  readonly serviceAccount: string;
  /** Annotations of the service account. Example: `{ "eks.amazonaws.com/role-arn": "arn:…" }`. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Labels of the pods. Example: `{ "azure.workload.identity/use": "true" }`. */
  readonly podLabels: Readonly<Record<string, string>>;
}

/** A cluster, as a stack hands it to another. Secret as a whole: it holds credentials. */
export interface ClusterState {
  /** YAML or JSON; credentials by the cloud's own command line plugin, or a token. */
  readonly kubeconfig: string;
  /** Zones that its machines are in; pods are spread over them. */
  readonly zones: readonly string[];
  /** Storage class of encrypted disks. */
  readonly storageClass: string;
  /** What that class has to be, where the cluster does not come with it: whoever uses the cluster makes it. */
  readonly storageClassToMake?: {
    readonly provisioner: string;
    readonly parameters: Readonly<Record<string, string>>;
  };
  /** Absent where pods have no cloud identity. */
  readonly workloadIdentity?: WorkloadIdentity;
}

/** A component that provides a cluster. */
export interface Cluster {
  /** Secret. */
  readonly cluster: Output<ClusterState>;
}
