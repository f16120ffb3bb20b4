import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { LaunchTemplate } from "@pulumi/aws/ec2/launchTemplate.js";
import { AccessEntry } from "@pulumi/aws/eks/accessEntry.js";
import { AccessPolicyAssociation } from "@pulumi/aws/eks/accessPolicyAssociation.js";
import { Addon } from "@pulumi/aws/eks/addon.js";
import { Cluster as EksCluster } from "@pulumi/aws/eks/cluster.js";
import { NodeGroup } from "@pulumi/aws/eks/nodeGroup.js";
import { OpenIdConnectProvider } from "@pulumi/aws/iam/openIdConnectProvider.js";
import { Role } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import { RolePolicyAttachment } from "@pulumi/aws/iam/rolePolicyAttachment.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
  secret,
} from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { type AwsPlace, managedPolicy, trustOfService } from "../identity/aws-policy.ts";
import {
  clusterAdministration,
  eksKubeconfig,
  imageOf,
  type ServiceAccount,
  serviceRange,
  storageClass,
  trustOfServiceAccount,
} from "./aws-cluster-plan.ts";
import type { Cluster, ClusterState } from "./kubernetes/cluster.ts";

/** Arguments of an `AwsCluster`. */
export interface AwsClusterArgs {
  readonly deployment: Deployment;
  readonly place: AwsPlace;
  /** Version of Kubernetes. Example: `"1.34"`. */
  readonly version: string;
  /** Zones of its machines, and the subnets of the tier `nodes` in them. */
  readonly zones: readonly string[];
  readonly subnetIds: readonly Input<string>[];
  /** Type of its machines. Example: `"m7i.xlarge"`. */
  readonly instanceType: string;
  /** How many machines there are, over all zones. */
  readonly machines: { readonly min: number; readonly max: number };
  /** GiB of a machine's disk. */
  readonly disk: number;
  /** Who may reach its API from the internet, in CIDR notation. Empty: it is reached from inside the network only. */
  readonly apiRanges: readonly string[];
  /** Security group of the bastion, over which people reach the API. Default: none. */
  readonly bastion?: Input<string>;
  /** ARNs of roles of people who administer it, besides whoever made it. */
  readonly administrators: readonly string[];
  /** Namespace of the service account `canton` that has the nodes' role. */
  readonly namespace: string;
  /** What that role may do, as a policy's text. */
  readonly workloadPolicy: Input<string>;
  /** Days for which logs of the control plane are kept; one of the numbers that CloudWatch Logs takes. */
  readonly logDays: number;
  /** ARN of the key that encrypts secrets, disks and logs. */
  readonly key: Input<string>;
  /** Refuses deletion, and moves work out of a zone in which something is wrong. */
  readonly protect: boolean;
}

/** Service account that pods of nodes run as. */
const serviceAccount = "canton";

/** Logs of the control plane: who asked for what, and what became of it. */
const logTypes = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/**
 * A cluster of EKS: its API is reached from inside the network, its secrets and disks are encrypted with a key of the
 * account, its machines are spread over zones and refuse to tell pods their own identity. Network policies are enforced; pods of
 * the service account `canton` have a role of their own.
 *
 * Resources: 21, 1 more with a bastion, 2 for every administrator.
 *
 * Cost: 73 USD a month, and its machines: three `m7i.xlarge` about 490 USD a month; disks 0.10 USD a GiB.
 */
export class AwsCluster extends ComponentResource implements Cluster {
  declare readonly cluster: Output<ClusterState>;
  declare readonly name: Output<string>;
  /** URL of its API. */
  declare readonly endpoint: Output<string>;
  /** Security group of its machines, which others let in. */
  declare readonly securityGroupId: Output<string>;
  /** Name of the group that its machines are in, for load balancers. */
  declare readonly autoscalingGroup: Output<string>;
  /** ARN of the role of pods with the service account `canton`. */
  declare readonly workloadRole: Output<string>;
  readonly #name: string;
  readonly #args: AwsClusterArgs;

  constructor(name: string, args: AwsClusterArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:AwsCluster", name, {}, options);
    this.#name = name;
    this.#args = args;
    const control = this.#controlPlane();
    this.name = control.name;
    this.endpoint = control.endpoint;
    this.securityGroupId = control.vpcConfig.apply(({ clusterSecurityGroupId }) => clusterSecurityGroupId);
    this.#letIn(control);
    const identities = this.#identityProvider(control);

    // Machines are ready once they have a network: those add-ons come before them, the others run on them.
    const network = [
      this.#addon(control, "vpc-cni", [], {
        serviceAccountRoleArn: identities.role("network", { namespace: "kube-system", name: "aws-node" }, [
          "AmazonEKS_CNI_Policy",
        ]).arn,
        configurationValues: JSON.stringify({ enableNetworkPolicy: "true" }),
      }),
      this.#addon(control, "kube-proxy", []),
    ];
    const machines = this.#machines(control, network);
    this.autoscalingGroup = machines.resources.apply(([resource]) => {
      const group = resource?.autoscalingGroups[0]?.name;
      if (group === undefined) throw new Error(`the cluster ${name} has no group of machines`);
      return group;
    });
    this.#addon(control, "coredns", [machines]);
    this.#addon(control, "aws-ebs-csi-driver", [machines], {
      serviceAccountRoleArn: identities.role("disks", { namespace: "kube-system", name: "ebs-csi-controller-sa" }, [
        "service-role/AmazonEBSCSIDriverPolicy",
      ]).arn,
    });

    const workload = identities.role("workload", { namespace: args.namespace, name: serviceAccount }, []);
    new RolePolicy(`${name}-workload`, { role: workload.id, policy: args.workloadPolicy }, { parent: this });
    this.workloadRole = workload.arn;
    this.cluster = this.#state(control, machines);
    this.registerOutputs({ name: this.name, endpoint: this.endpoint, workloadRole: this.workloadRole });
  }

  #controlPlane(): EksCluster {
    const { version, subnetIds, apiRanges, logDays, key, protect } = this.#args;
    const name = this.#name;
    const parent = { parent: this };
    const log = new LogGroup(
      name,
      { name: `/aws/eks/${name}/cluster`, retentionInDays: logDays, kmsKeyId: key, tags: this.#tags(name) },
      parent,
    );
    const role = this.#role("control", trustOfService("eks.amazonaws.com"), ["AmazonEKSClusterPolicy"]);
    return new EksCluster(
      name,
      {
        name,
        version,
        roleArn: role.arn,
        vpcConfig: {
          subnetIds: [...subnetIds],
          endpointPrivateAccess: true,
          endpointPublicAccess: apiRanges.length > 0,
          ...(apiRanges.length > 0 && { publicAccessCidrs: [...apiRanges] }),
        },
        kubernetesNetworkConfig: { ipFamily: "ipv4", serviceIpv4Cidr: serviceRange },
        encryptionConfig: { provider: { keyArn: key }, resources: ["secrets"] },
        accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: true },
        bootstrapSelfManagedAddons: false,
        enabledClusterLogTypes: logTypes,
        upgradePolicy: { supportType: "STANDARD" },
        zonalShiftConfig: { enabled: protect },
        deletionProtection: protect,
        tags: this.#tags(name),
      },
      { ...parent, protect, dependsOn: [log, ...role.rights] },
    );
  }

  /** Who reaches the API besides the machines: the bastion, and the administrators as themselves. */
  #letIn(control: EksCluster): void {
    const { bastion, administrators, place } = this.#args;
    const parent = { parent: this };
    if (bastion !== undefined) {
      const rule = `${this.#name}-from-bastion`;
      new SecurityGroupIngressRule(
        rule,
        {
          securityGroupId: this.securityGroupId,
          referencedSecurityGroupId: bastion,
          description: "Kubernetes API from the bastion",
          ipProtocol: "tcp",
          fromPort: 443,
          toPort: 443,
          tags: this.#tags(rule),
        },
        parent,
      );
    }
    for (const principalArn of administrators) {
      const who = `${this.#name}-administrator-${principalArn.split("/").at(-1)}`;
      const entry = new AccessEntry(
        who,
        { clusterName: control.name, principalArn, type: "STANDARD", tags: this.#tags(who) },
        parent,
      );
      new AccessPolicyAssociation(
        who,
        {
          clusterName: control.name,
          principalArn,
          policyArn: clusterAdministration(place.region),
          accessScope: { type: "cluster" },
        },
        { ...parent, dependsOn: [entry] },
      );
    }
  }

  /** Has AWS trust the tokens of the cluster's service accounts; gives back how roles are made for them. */
  #identityProvider(control: EksCluster) {
    const parent = { parent: this };
    const issuer = control.identities.apply(([identity]) => {
      const url = identity?.oidcs?.[0]?.issuer;
      if (url === undefined) throw new Error(`the cluster ${this.#name} has no issuer of identities`);
      return url;
    });
    const provider = new OpenIdConnectProvider(
      this.#name,
      { url: issuer, clientIdLists: ["sts.amazonaws.com"], tags: this.#tags(this.#name) },
      parent,
    );
    const role = (of: string, account: ServiceAccount, policies: readonly string[]) => {
      const trust = all([provider.arn, issuer]).apply(([arn, url]) => trustOfServiceAccount(account, arn, url));
      return this.#role(of, trust, policies);
    };
    return { role };
  }

  #machines(control: EksCluster, network: readonly Resource[]): NodeGroup {
    const { instanceType, machines, disk, subnetIds, key } = this.#args;
    const name = `${this.#name}-machines`;
    const parent = { parent: this };
    const tags = this.#tags(name);
    const template = new LaunchTemplate(
      name,
      {
        // One hop: pods do not get at the machine's identity.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        blockDeviceMappings: [
          {
            deviceName: "/dev/xvda",
            ebs: {
              encrypted: "true",
              kmsKeyId: key,
              volumeType: "gp3",
              volumeSize: disk,
              deleteOnTermination: "true",
            },
          },
        ],
        monitoring: { enabled: true },
        tagSpecifications: ["instance", "volume", "network-interface"].map((resourceType) => ({ resourceType, tags })),
        tags,
      },
      parent,
    );
    const role = this.#role("machines", trustOfService("ec2.amazonaws.com"), [
      "AmazonEKSWorkerNodePolicy",
      "AmazonEC2ContainerRegistryPullOnly",
    ]);
    return new NodeGroup(
      name,
      {
        clusterName: control.name,
        // Follows the control plane, which is upgraded first.
        version: control.version,
        nodeRoleArn: role.arn,
        subnetIds: [...subnetIds],
        amiType: imageOf(instanceType),
        instanceTypes: [instanceType],
        capacityType: "ON_DEMAND",
        scalingConfig: { minSize: machines.min, desiredSize: machines.min, maxSize: machines.max },
        updateConfig: { maxUnavailable: 1 },
        nodeRepairConfig: { enabled: true },
        launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
        tags,
      },
      // How many there are is the business of an autoscaler, where one is installed.
      { ...parent, dependsOn: [...network, ...role.rights], ignoreChanges: ["scalingConfig.desiredSize"] },
    );
  }

  #addon(
    control: EksCluster,
    addonName: string,
    dependsOn: Resource[],
    more: { readonly serviceAccountRoleArn?: Input<string>; readonly configurationValues?: string } = {},
  ): Addon {
    const name = `${this.#name}-${addonName}`;
    return new Addon(
      name,
      {
        clusterName: control.name,
        addonName,
        resolveConflictsOnCreate: "OVERWRITE",
        resolveConflictsOnUpdate: "OVERWRITE",
        tags: this.#tags(name),
        ...more,
      },
      { parent: this, dependsOn },
    );
  }

  /** A role, with its rights for those who depend on it. */
  #role(of: string, assumeRolePolicy: Input<string>, policies: readonly string[]) {
    const name = `${this.#name}-${of}`;
    const parent = { parent: this };
    const role = new Role(name, { assumeRolePolicy, tags: this.#tags(name) }, parent);
    const rights = policies.map((policy) => {
      const policyArn = managedPolicy(this.#args.place.region, policy);
      return new RolePolicyAttachment(`${name}-${policy.split("/").at(-1)}`, { role: role.name, policyArn }, parent);
    });
    return { id: role.id, arn: role.arn, rights };
  }

  #state(control: EksCluster, machines: NodeGroup): Output<ClusterState> {
    const { place, zones, key } = this.#args;
    const known = all([control.name, control.endpoint, control.certificateAuthority.data, this.workloadRole, key]);
    // Whoever runs something on it finds machines.
    return secret(
      all([known, machines.id]).apply(([[name, endpoint, authority, role, keyArn]]) => ({
        kubeconfig: eksKubeconfig({ name, region: place.region, endpoint, authority }),
        zones,
        storageClass,
        storageClassToMake: {
          provisioner: "ebs.csi.aws.com",
          parameters: { type: "gp3", encrypted: "true", kmsKeyId: keyArn },
        },
        workloadIdentity: {
          serviceAccount,
          annotations: { "eks.amazonaws.com/role-arn": role },
          podLabels: {},
        },
      })),
    );
  }

  #tags(name: string): Record<string, string> {
    return { ...tagsOf(this.#args.deployment), Name: name };
  }
}
