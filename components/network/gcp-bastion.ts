import { AccessLevel } from "@pulumi/gcp/accesscontextmanager/accessLevel.js";
import { Instance } from "@pulumi/gcp/compute/instance.js";
import { InstanceIAMMember } from "@pulumi/gcp/compute/instanceIAMMember.js";
import { TunnelInstanceIAMMember } from "@pulumi/gcp/iap/tunnelInstanceIAMMember.js";
import { ComponentResource, type ComponentResourceOptions, type Input, interpolate, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import type { GcpNetwork } from "./gcp-network.ts";

/** Arguments of a `GcpBastion`. */
export interface GcpBastionArgs {
  readonly deployment: Deployment;
  /** Id of the project. Example: `"acme-canton-prod"`. */
  readonly project: string;
  /** Example: `"europe-west3-a"`. */
  readonly zone: string;
  readonly network: GcpNetwork;
  /** Resource name of the key that encrypts its disk. */
  readonly diskKey: Input<string>;
  /** Who may sign in. Example: `["group:canton-operators@example.com"]`. */
  readonly members: readonly string[];
  /**
   * From where they may: public ranges, which Google checks before it lets anybody through. Takes the number of the
   * organisation's access policy. Default: from anywhere.
   */
  readonly from?: { readonly accessPolicy: string; readonly ranges: readonly string[] };
  /** Default: `"e2-micro"`. */
  readonly machineType?: string;
}

/**
 * The way in for operators: a small machine without a public address, reached by SSH through Identity-Aware Proxy by those who
 * are named, signed in with their own Google account (OS Login). It runs nothing: an SSH tunnel through it reaches the control
 * plane and the databases.
 *
 * Resources: 2 + 2 for every member, and 1 for ranges.
 *
 * Cost: some 8 USD a month for `e2-micro`.
 */
export class GcpBastion extends ComponentResource {
  /** Opens a SOCKS tunnel at port 1080. */
  declare readonly command: Output<string>;

  constructor(name: string, args: GcpBastionArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:GcpBastion", name, {}, options);
    const { deployment, project, zone, network, members, from } = args;
    if (members.length === 0) throw new Error("members: got none; expected those who may sign in");
    const parent = { parent: this };
    const called = (...parts: string[]) => nameWithin({ length: 63 }, deployment.name, ...parts);

    const machine = new Instance(
      called("bastion"),
      {
        name: called("bastion"),
        zone,
        machineType: args.machineType ?? "e2-micro",
        tags: [network.tags.bastion],
        bootDisk: {
          kmsKeySelfLink: args.diskKey,
          initializeParams: {
            image: "debian-cloud/debian-12",
            size: 10,
            type: "pd-balanced",
            labels: tagsOf(deployment),
          },
        },
        // Without an access configuration it has no public address; without a service account it may do nothing.
        networkInterfaces: [{ subnetwork: network.subnets.bastion }],
        shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
        metadata: { "enable-oslogin": "TRUE", "block-project-ssh-keys": "TRUE", "serial-port-enable": "FALSE" },
        allowStoppingForUpdate: true,
        labels: tagsOf(deployment),
      },
      parent,
    );
    const level = from && this.#makeAccessLevel(called("operators"), from);
    members.forEach((member) => {
      const who = called("bastion", nameOf(member));
      new TunnelInstanceIAMMember(
        who,
        {
          project,
          zone,
          instance: machine.name,
          role: "roles/iap.tunnelResourceAccessor",
          member,
          condition: {
            title: "SSH",
            expression:
              level === undefined
                ? "destination.port == 22"
                : interpolate`destination.port == 22 && "${level.name}" in request.auth.access_levels`,
          },
        },
        parent,
      );
      new InstanceIAMMember(
        who,
        { project, zone, instanceName: machine.name, role: "roles/compute.osLogin", member },
        parent,
      );
    });
    this.command = interpolate`gcloud compute ssh ${machine.name} --project ${project} --zone ${zone} --tunnel-through-iap -- -N -D 1080`;
    this.registerOutputs({ command: this.command });
  }

  #makeAccessLevel(
    name: string,
    { accessPolicy, ranges }: { readonly accessPolicy: string; readonly ranges: readonly string[] },
  ) {
    if (ranges.length === 0) throw new Error("from.ranges: got none; expected the ranges that operators come from");
    const parent = `accessPolicies/${accessPolicy}`;
    const title = name.replaceAll("-", "_");
    return new AccessLevel(
      name,
      {
        parent,
        name: `${parent}/accessLevels/${title}`,
        title,
        basic: { conditions: [{ ipSubnetworks: [...ranges] }] },
      },
      { parent: this },
    );
  }
}

/** Part of a name that stands for a member: `group:Ops.Team@example.com` becomes `group-ops-team-example-com`. */
function nameOf(member: string): string {
  return member
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
