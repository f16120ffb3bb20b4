import { Address } from "@pulumi/gcp/compute/address.js";
import { RecordSet } from "@pulumi/gcp/dns/recordSet.js";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import type { GcpNetwork } from "./gcp-network.ts";

/** Arguments of a `GcpIngressAddress`. */
export interface GcpIngressAddressArgs {
  readonly deployment: Deployment;
  /** Example: `"europe-west3"`. */
  readonly region: string;
  readonly network: GcpNetwork;
  /** Whether it is reached from the internet. Default: false. */
  readonly external?: boolean;
}

/**
 * The address of the ingress's load balancer, which stays when the load balancer is made anew, and its name in the private zone.
 *
 * Resources: 3.
 *
 * Cost: none for an internal address; an external one some 4 USD a month.
 */
export class GcpIngressAddress extends ComponentResource {
  declare readonly address: Output<string>;
  /** Annotations of the Service that takes the address. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Its name inside the network. */
  readonly host: string;

  constructor(name: string, args: GcpIngressAddressArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:GcpIngressAddress", name, {}, options);
    const { deployment, region, network, external = false } = args;
    const parent = { parent: this };
    const addressName = nameWithin({ length: 63 }, deployment.name, "ingress");
    const address = new Address(
      addressName,
      {
        name: addressName,
        region,
        addressType: external ? "EXTERNAL" : "INTERNAL",
        ...(!external && { subnetwork: network.subnets.nodes }),
        labels: tagsOf(deployment),
      },
      parent,
    );
    this.host = `ingress.${network.domain}`;
    new RecordSet(
      addressName,
      { managedZone: network.zone, name: `${this.host}.`, type: "A", ttl: 60, rrdatas: [address.address] },
      parent,
    );
    this.address = address.address;
    this.annotations = external
      ? { "cloud.google.com/l4-rbs": "enabled" }
      : {
          "networking.gke.io/load-balancer-type": "Internal",
          "networking.gke.io/internal-load-balancer-allow-global-access": "true",
        };
    this.registerOutputs({ address: this.address });
  }
}
