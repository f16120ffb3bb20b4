import { CryptoKeyIAMMember } from "@pulumi/gcp/kms/cryptoKeyIAMMember.js";
import { Account } from "@pulumi/gcp/serviceaccount/account.js";
import { IAMMember } from "@pulumi/gcp/serviceaccount/iammember.js";
import { ComponentResource, type ComponentResourceOptions, type Input, interpolate, type Output } from "@pulumi/pulumi";
import type { Deployment } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import type { WorkloadIdentity } from "../platform/kubernetes/cluster.ts";

/** Arguments of a `GcpWorkloadIdentity`. */
export interface GcpWorkloadIdentityArgs {
  readonly deployment: Deployment;
  /** Id of the project of the cluster. */
  readonly project: string;
  /** Namespace in the cluster whose pods are trusted. Example: `"canton-prod"`. */
  readonly namespace: string;
  /** Their service account there. Default: `canton`. */
  readonly serviceAccount?: string;
  /** Resource name of the key that wraps the nodes' private keys. */
  readonly nodesKey: Input<string>;
}

/**
 * What nodes act as in Google Cloud: an account of their own that holds no credential, is taken on by one service account of one
 * namespace, and may use one key.
 *
 * Resources: 4.
 *
 * Cost: none.
 */
export class GcpWorkloadIdentity extends ComponentResource {
  /** How pods take it on. */
  declare readonly workloadIdentity: Output<WorkloadIdentity>;
  /** What rights are given to: `serviceAccount:…`. */
  declare readonly member: Output<string>;

  constructor(name: string, args: GcpWorkloadIdentityArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:identity:GcpWorkloadIdentity", name, {}, options);
    const { deployment, project, namespace, serviceAccount = "canton", nodesKey } = args;
    const parent = { parent: this };
    const accountId = nameWithin({ length: 30 }, deployment.name, "canton");
    const account = new Account(
      accountId,
      { accountId, displayName: `Canton nodes of ${deployment.name}` },
      { ...parent, ...(options.dependsOn && { dependsOn: options.dependsOn }) },
    );
    new IAMMember(
      accountId,
      {
        serviceAccountId: account.name,
        role: "roles/iam.workloadIdentityUser",
        member: `serviceAccount:${project}.svc.id.goog[${namespace}/${serviceAccount}]`,
      },
      parent,
    );
    new CryptoKeyIAMMember(
      accountId,
      { cryptoKeyId: nodesKey, role: "roles/cloudkms.cryptoKeyEncrypterDecrypter", member: account.member },
      parent,
    );
    this.member = account.member;
    this.workloadIdentity = account.email.apply(
      (email): WorkloadIdentity => ({
        serviceAccount,
        annotations: { "iam.gke.io/gcp-service-account": email },
        podLabels: {},
      }),
    );
    this.registerOutputs({ workloadIdentity: this.workloadIdentity, member: this.member });
  }
}
