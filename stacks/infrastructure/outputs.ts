/**
 * What the infrastructure stacks (`azure`, `aws`, `gcp`) hand to the stacks that run nodes on them (`kubernetes`, `bridge`), by
 * stack reference, as the secret output `infrastructure`.
 */
import type { DatabaseServerState } from "@pulumi-canton/components/database/database-server.ts";
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import type { ClusterState } from "@pulumi-canton/components/platform/kubernetes/cluster.ts";

/** One infrastructure. */
export interface InfrastructureState {
  readonly cloud: "azure" | "aws" | "gcp";
  readonly region: string;
  /** Name and environment of the deployment, which the stack on top takes over. */
  readonly deployment: { readonly name: string; readonly environment: Environment };
  readonly cluster: ClusterState;
  /** Namespace that the workload identity is trusted in. */
  readonly namespace: string;
  readonly databases: {
    /** Databases of nodes. */
    readonly nodes: DatabaseServerState;
    /** What all sequencers share; absent where the stack is of an application user, who has no domain. */
    readonly sequencerBackend?: DatabaseServerState;
  };
  /** The section `crypto.keyEncryption` of the nodes' configuration: the key of the cloud that wraps theirs. */
  readonly keyEncryption: Readonly<Record<string, unknown>>;
  /** Where dumps and logs go. */
  readonly storage: {
    /** URL of the bucket for backups: `s3://…`, `gs://…`, `https://….blob.core.windows.net/…`. */
    readonly backups: string;
    /** The bucket of logs kept for audit. */
    readonly logs: string;
  };
  /** How the load balancer of the ingress is asked for: annotations of its Service; empty where nothing is special. */
  readonly ingress: {
    readonly annotations: Readonly<Record<string, string>>;
    /** Address reserved for it; absent: the cloud chooses. */
    readonly address?: string;
    /** Port of every machine that it has to have, because a load balancer outside the cluster forwards there; absent: any. */
    readonly nodePort?: number;
    /** Who may reach it, in CIDR notation. */
    readonly allowedRanges: readonly string[];
  };
}
