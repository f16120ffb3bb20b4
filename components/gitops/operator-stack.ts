import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  interpolate,
  type Resource,
} from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { checkGitSource, type GitSource } from "./git-source.ts";

/** A key of a Secret in the same namespace. */
export interface SecretKey {
  readonly secret: string;
  readonly key: string;
}

/** Arguments of an `OperatorStack`. */
export interface OperatorStackArgs {
  readonly deployment: Deployment;
  /** Namespace of the object, and of the pod that runs the update. */
  readonly namespace: Input<string>;
  /** The stack. Example: `"prod"`, `"organisation/canton/prod"`. */
  readonly stack: string;
  /** The folder with `Pulumi.yaml`. */
  readonly source: GitSource;
  /** Token for the repository. Default: everybody may read it. */
  readonly repositoryToken?: SecretKey;
  /** Where the state is. Example: `"s3://canton-state?region=eu-central-1"`. Default: Pulumi's own service. */
  readonly backend?: string;
  /** Passphrase of the stack's secrets, for backends that need one. */
  readonly passphrase?: SecretKey;
  /** Further variables for the program, from Secrets. Example: `{ PULUMI_ACCESS_TOKEN: { secret: "pulumi", key: "token" } }`. */
  readonly environment?: Readonly<Record<string, SecretKey>>;
  /** Values of the stack's configuration that are no secrets, over those of its file. Example: `{ "canton:name": "prod" }`. */
  readonly config?: Readonly<Record<string, string>>;
  /** Stacks, by the names of their objects, that have to be up before. Example: `["infrastructure"]`. */
  readonly after?: readonly string[];
  /** Seconds after which it looks for drift even if nothing was pushed. Default: 3600. */
  readonly resyncSeconds?: number;
  /** Only shows what an update would do. Default: false. */
  readonly previewOnly?: boolean;
  /** Destroys all that the stack made when the object is deleted. Default: false. */
  readonly destroyOnDelete?: boolean;
  /** Image that runs the program; it has Node 24. Default: the operator's for Node. */
  readonly image?: string;
  /** Role in the namespace that the program gets; `admin` for stacks that run nodes there. Default: none, it makes nothing in the cluster. */
  readonly clusterRole?: string;
}

/**
 * Has the Pulumi operator (version 2) keep a stack and a git repository the same: a push is an update, and drift is put back.
 *
 * Resources: 1 + 3, with `clusterRole` 1 + 4.
 *
 * Cost: a pod while an update runs, 0.5 CPU and 1 GiB.
 */
export class OperatorStack extends ComponentResource {
  constructor(name: string, args: OperatorStackArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:gitops:OperatorStack", name, {}, options);
    checkGitSource("source", args.source);
    const { deployment, namespace, resyncSeconds = 3600 } = args;
    if (!Number.isInteger(resyncSeconds) || resyncSeconds < 60) {
      throw new Error(`resyncSeconds: got ${resyncSeconds}; expected a whole number from 60 on`);
    }
    const labels = tagsOf(deployment);
    const metadata = { name, namespace, labels };
    const parent = { parent: this };
    const account = new ServiceAccount(name, { metadata }, parent);
    const subjects = [{ kind: "ServiceAccount", name, namespace }];
    const role = (called: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: called });
    const rights: Resource[] = [
      // The pod asks the API server whether the operator that calls it is the operator.
      new ClusterRoleBinding(
        name,
        {
          metadata: { name: interpolate`${namespace}-${name}-auth-delegator`, labels },
          subjects,
          roleRef: role("system:auth-delegator"),
        },
        parent,
      ),
    ];
    if (args.clusterRole !== undefined) {
      rights.push(new RoleBinding(name, { metadata, subjects, roleRef: role(args.clusterRole) }, parent));
    }
    new CustomResource(
      name,
      { apiVersion: "pulumi.com/v1", kind: "Stack", metadata, spec: stackSpec(name, args) },
      { ...parent, dependsOn: [account, ...rights] },
    );
    this.registerOutputs({});
  }
}

/** The spec of the `Stack`, whose program runs as the service account `account`. */
function stackSpec(account: string, args: OperatorStackArgs): Record<string, unknown> {
  const { source, repositoryToken, passphrase, environment = {}, after = [], resyncSeconds = 3600 } = args;
  const variables = { ...environment, ...(passphrase && { PULUMI_CONFIG_PASSPHRASE: passphrase }) };
  return {
    stack: args.stack,
    projectRepo: source.repository,
    ...(/^[0-9a-f]{40}$/.test(source.revision) ? { commit: source.revision } : { branch: source.revision }),
    ...(source.path !== undefined && { repoDir: source.path }),
    ...(repositoryToken && { gitAuth: { accessToken: fromSecret(repositoryToken) } }),
    ...(args.backend !== undefined && { backend: args.backend }),
    envRefs: Object.fromEntries(Object.entries(variables).map(([name, key]) => [name, fromSecret(key)])),
    ...(args.config && { config: { ...args.config } }),
    prerequisites: after.map((name) => ({ name })),
    // Drift is put back also when nobody pushed.
    refresh: true,
    continueResyncOnCommitMatch: true,
    resyncFrequencySeconds: resyncSeconds,
    preview: args.previewOnly ?? false,
    destroyOnFinalize: args.destroyOnDelete ?? false,
    serviceAccountName: account,
    workspaceReclaimPolicy: "Delete",
    workspaceTemplate: {
      spec: {
        securityProfile: "restricted",
        ...(args.image !== undefined && { image: args.image }),
        resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { memory: "2Gi" } },
      },
    },
  };
}

function fromSecret({ secret, key }: SecretKey): Record<string, unknown> {
  return { type: "Secret", secret: { name: secret, key } };
}
