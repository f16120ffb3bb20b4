/**
 * What the infrastructure stacks (`azure`, `aws`, `gcp`) hand to the stacks that run nodes on them (`kubernetes`, `bridge`), by
 * stack reference, as the secret output `infrastructure`. `cluster-services` stands between them: it takes one and hands on one.
 */
import type { DatabaseServerState } from "@pulumi-canton/components/database/database-server.ts";
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import type { ClusterState } from "@pulumi-canton/components/platform/kubernetes/cluster.ts";

/** One infrastructure. */
export interface InfrastructureState {
  /** `kubernetes`: a cluster that no stack made. */
  readonly cloud: "azure" | "aws" | "gcp" | "kubernetes";
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
  /** The section `crypto.keyEncryption` of the nodes' configuration: the key of the cloud that wraps theirs. Absent: a passphrase for each. */
  readonly keyEncryption?: Readonly<Record<string, unknown>>;
  /** Files of the nodes' Secrets that `keyEncryption` names, by key; absent where it names none. */
  readonly keyFiles?: Readonly<Record<string, string>>;
  /** Where dumps and logs go; empty where no cloud gives buckets. */
  readonly storage: {
    /** URL of the bucket for backups: `s3://…`, `gs://…`, `https://….blob.core.windows.net/…`. */
    readonly backups?: string;
    /** The bucket of logs kept for audit. */
    readonly logs?: string;
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
  /** What a stack of `cluster-services` runs in the cluster; absent where there is none. */
  readonly services?: ClusterServices;
}

/** What nodes share in a cluster, so that their stacks let it in and use it. */
export interface ClusterServices {
  /** Namespaces for nodes that are there already. */
  readonly namespaces: readonly string[];
  /** Namespace of the database servers, where they are in the cluster. */
  readonly databases?: string;
  /** Traefik: its namespace, and the class of its routes. */
  readonly ingress?: { readonly namespace: string; readonly ingressClass: string };
  /** Namespace of what reads metrics. */
  readonly monitoring?: string;
  /** By whom users of Ledger APIs log in. */
  readonly identityProvider?: {
    /** The `iss` of its tokens. */
    readonly issuer: string;
    /** Where its signing keys are. */
    readonly jwksUri: string;
    /** Where a person logs in. */
    readonly authorizationEndpoint: string;
    /** Where a code becomes a token. */
    readonly tokenEndpoint: string;
    /** The `aud` of its tokens. */
    readonly audience: string;
    /** Authorities of its certificate, in PEM. Absent: those that every machine knows. */
    readonly caPem?: string;
    /** The ingress through which it is reached, as the network sees it: namespace, and port of the pods. */
    readonly through: { readonly namespace: string; readonly port: number };
  };
  /** Who signs the certificates of nodes' servers in one of the namespaces, and the authorities behind it, in PEM. */
  readonly issuer?: { readonly namespace: string; readonly name: string; readonly caPem: string };
}
