import { LimitRange } from "@pulumi/kubernetes/core/v1/limitRange.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { ResourceQuota } from "@pulumi/kubernetes/core/v1/resourceQuota.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
  type Output,
  output,
} from "@pulumi/pulumi";
import type { WorkloadIdentity } from "./cluster.ts";
import { namespacePolicies, type Outside } from "./network-plan.ts";

/** What all pods of a namespace may use together. */
export interface Quota {
  /** Pods, those of rollouts counted. */
  readonly pods: number;
  /** CPUs that are reserved. */
  readonly cpus: number;
  /** Memory in GiB: reserved, and the most that it gets. */
  readonly memoryGiB: number;
  /** Services that are reached by a load balancer, or by a port of the machines. Default: 0. */
  readonly loadBalancers?: number;
}

/** Arguments of a `TenantNamespace`. */
export interface TenantNamespaceArgs {
  /** Name of the namespace. Example: `"canton-prod"`. */
  readonly namespace: string;
  /** False: it is there already; only what is in it is made. Default: true. */
  readonly create?: boolean;
  /**
   * Another stack has set the namespace up, with quota, limits, service account and closed network; what this one opens bears this
   * name. Default: none has. Example: `"bridge"`.
   */
  readonly sharedAs?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly quota: Quota;
  /** The cloud identity of its pods. Default: none. */
  readonly workloadIdentity?: Input<WorkloadIdentity | undefined>;
  /** What its nodes talk to besides each other. */
  readonly outside: Outside;
  /** Refuses to be deleted, and stays when the stack goes: what is in it goes with it. Default: true. */
  readonly retain?: boolean;
}

/** Absent where there are none: an empty list of them would show as a change with every update. */
function annotationsOf(identity: WorkloadIdentity | undefined): Record<string, string> | undefined {
  const given = { ...identity?.annotations };
  return Object.keys(given).length === 0 ? undefined : given;
}

/** The service account of nodes where the cloud does not say which. */
const defaultServiceAccount = "canton";

/**
 * The namespace of a tenant: pods that do without any privilege, a quota, limits, a service account without a token for the
 * cluster's API, and a closed network.
 *
 * Resources: 7, and 1 for each of databases, outside, other sequencers, operators, monitoring, and 2 for the ingress, where they
 * are configured. Cost: none.
 */
export class TenantNamespace extends ComponentResource {
  /** Name of the nodes' service account. */
  readonly serviceAccount: Output<string>;

  constructor(name: string, args: TenantNamespaceArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:TenantNamespace", name, {}, options);
    const { namespace, create = true, sharedAs, labels, quota, retain = true } = args;
    const made = create && sharedAs === undefined ? this.#makeNamespace(name, namespace, labels, retain) : undefined;
    const inside = { parent: this, ...(made && { dependsOn: [made] }) };
    const named = (object: string) => ({ name: object, namespace, labels: { ...labels } });

    const identity = output(args.workloadIdentity);
    const serviceAccount = identity.apply((given) => given?.serviceAccount ?? defaultServiceAccount);
    if (sharedAs === undefined) {
      this.#limit(name, quota, named, inside);
      this.serviceAccount = new ServiceAccount(
        `${name}-service-account`,
        {
          metadata: {
            ...named(defaultServiceAccount),
            name: serviceAccount,
            annotations: identity.apply(annotationsOf),
          },
          automountServiceAccountToken: false,
        },
        inside,
      ).metadata.name;
    } else {
      this.serviceAccount = serviceAccount;
    }
    for (const policy of namespacePolicies(namespace, args.outside, sharedAs)) {
      new NetworkPolicy(`${name}-${policy.name}`, { metadata: named(policy.name), spec: policy.spec }, inside);
    }
    this.registerOutputs({});
  }

  /** What pods may use together, and those that say nothing. */
  #limit(
    name: string,
    quota: Quota,
    named: (object: string) => { name: string; namespace: string; labels: Record<string, string> },
    inside: CustomResourceOptions,
  ): void {
    new ResourceQuota(
      `${name}-quota`,
      {
        metadata: named("canton"),
        spec: {
          hard: {
            pods: `${quota.pods}`,
            "requests.cpu": `${quota.cpus}`,
            "requests.memory": `${quota.memoryGiB}Gi`,
            "limits.memory": `${quota.memoryGiB}Gi`,
            "services.loadbalancers": `${quota.loadBalancers ?? 0}`,
            "services.nodeports": `${quota.loadBalancers ?? 0}`,
          },
        },
      },
      inside,
    );
    new LimitRange(
      `${name}-limits`,
      {
        metadata: named("canton"),
        spec: {
          limits: [
            {
              type: "Container",
              // For containers that say nothing themselves.
              default: { cpu: "500m", memory: "256Mi" },
              defaultRequest: { cpu: "50m", memory: "128Mi" },
            },
          ],
        },
      },
      inside,
    );
  }

  #makeNamespace(
    name: string,
    namespace: string,
    labels: Readonly<Record<string, string>>,
    retain: boolean,
  ): Namespace {
    const level = "restricted";
    const security = Object.fromEntries(
      ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]),
    );
    return new Namespace(
      name,
      { metadata: { name: namespace, labels: { ...labels, ...security } } },
      { parent: this, protect: retain, retainOnDelete: retain },
    );
  }
}
