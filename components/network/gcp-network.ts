import { Address } from "@pulumi/gcp/compute/address.js";
import { GlobalAddress } from "@pulumi/gcp/compute/globalAddress.js";
import { Network } from "@pulumi/gcp/compute/network.js";
import { Router } from "@pulumi/gcp/compute/router.js";
import { RouterNat } from "@pulumi/gcp/compute/routerNat.js";
import { Subnetwork, type SubnetworkArgs } from "@pulumi/gcp/compute/subnetwork.js";
import { ManagedZone } from "@pulumi/gcp/dns/managedZone.js";
import { Policy } from "@pulumi/gcp/dns/policy.js";
import { ResponsePolicy } from "@pulumi/gcp/dns/responsePolicy.js";
import { ResponsePolicyRule } from "@pulumi/gcp/dns/responsePolicyRule.js";
import { Connection } from "@pulumi/gcp/servicenetworking/connection.js";
import { all, ComponentResource, type ComponentResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import { firewallRule } from "./gcp-firewall.ts";
import {
  type GcpAddresses,
  type GcpFirewallRule,
  gcpDefaultRules,
  planGcpAddresses,
  planGcpFirewall,
} from "./gcp-network-plan.ts";

/** What regions of one network have in common; a second region takes it from the first. */
export interface GcpSharedNetwork {
  /** Resource name of the network: `projects/…/global/networks/…`. */
  readonly network: string;
  /** Name of the range that is lent to Google for Cloud SQL. */
  readonly databaseRangeName: string;
  /** That range, in CIDR notation. */
  readonly databaseRange: string;
  /** Name of the private zone in which database servers get their names. */
  readonly databaseZone: string;
}

/** Arguments of a `GcpNetwork`. */
export interface GcpNetworkArgs {
  readonly deployment: Deployment;
  /** Example: `"europe-west3"`. */
  readonly region: string;
  /** Addresses of the region, /14 to /18 of the private ranges. Example: `"10.20.0.0/16"`. */
  readonly range: string;
  /** TCP ports that nodes may reach anywhere: sequencers of other domains, images, OIDC. Default: `[443]`. */
  readonly egressPorts?: readonly number[];
  /** How many addresses nodes go out from, for the allow-lists of others; 1 to 10. Default: 1. */
  readonly natAddresses?: number;
  /** Share of flows that are logged, 0 to 1. Default: 1. */
  readonly flowSampling?: number;
  /** Whether there is a bastion, reached by Identity-Aware Proxy. Default: false. */
  readonly bastion?: boolean;
  /** Port of every machine that load balancers forward to. Default: none, no load balancer outside the cluster gets in. */
  readonly nodePort?: number;
  /** The network of the region whose databases this one replicates. Default: a network of its own. */
  readonly shared?: Input<GcpSharedNetwork>;
}

/** Google's names that are answered with {@link privateGoogle}, so that its APIs and images are reached without the internet. */
const googleNames = { apis: "*.googleapis.com", packages: "*.pkg.dev", images: "*.gcr.io", registry: "gcr.io" };
/** The addresses of private.googleapis.com. */
const privateGoogle = ["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"];

/**
 * An isolated network: custom-mode VPC, a subnet for each tier, everything refused that a rule does not allow and the refused
 * logged, Google's APIs by private addresses, one way out by Cloud NAT from addresses that others can list, a range lent to
 * Cloud SQL, a private DNS zone, flow logs and DNS logs. A second region of the same network brings its own subnets, rules
 * and way out, and shares the rest: Cloud SQL replicates only inside one network.
 *
 * Resources: 28 with one NAT address; 4 more with a bastion, 1 with load balancers; a second region 17.
 *
 * Cost: NAT some 35 USD a month for each gateway and 0.045 USD a GiB; flow logs 0.50 USD a GiB, which `flowSampling` lowers.
 */
export class GcpNetwork extends ComponentResource {
  /** How the region's range is divided. */
  readonly addresses: GcpAddresses;
  /** Name of the private zone's domain, without a final dot. */
  readonly domain: string;
  /** What a second region shares. */
  declare readonly shared: Output<GcpSharedNetwork>;
  /** Resource name of the network. */
  declare readonly network: Output<string>;
  /** Resource names of the subnets that others put something into. */
  readonly subnets: Readonly<Record<"nodes" | "gateway" | "bastion" | "controlPlane" | "loadBalancer", Output<string>>>;
  /** Name of the private zone. */
  declare readonly zone: Output<string>;
  /** Addresses that nodes go out from. */
  declare readonly natAddresses: Output<string[]>;
  /** Network tags that the firewall knows machines by. */
  readonly tags: Readonly<Record<"nodes" | "bastion", string>>;

  constructor(name: string, args: GcpNetworkArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:GcpNetwork", name, {}, options);
    const { deployment, region, natAddresses = 1, flowSampling = 1 } = args;
    if (!Number.isInteger(natAddresses) || natAddresses < 1 || natAddresses > 10) {
      throw new Error(`natAddresses: got ${natAddresses}; expected 1 to 10`);
    }
    if (!(flowSampling >= 0 && flowSampling <= 1)) {
      throw new Error(`flowSampling: got ${flowSampling}; expected 0 to 1`);
    }
    this.addresses = planGcpAddresses(args.range);
    this.domain = `${deployment.name}.internal`;
    const called = (...parts: string[]) => nameWithin({ length: 63 }, deployment.name, ...parts);
    this.tags = { nodes: called("nodes"), bastion: called("bastion") };
    const root = { parent: this, ...(options.dependsOn && { dependsOn: options.dependsOn }) };

    this.shared = args.shared === undefined ? this.#makeNetwork(called, root) : output(args.shared);
    this.network = this.shared.apply(({ network }) => network);
    this.subnets = this.#makeSubnets(called, region, flowSampling);
    this.#makeFirewall(called, args);
    this.natAddresses = this.#makeNat(called, region, natAddresses);
    this.zone = this.#makeZone(called("zone"), this.domain, tagsOf(deployment)).name;
    this.registerOutputs({ network: this.network, natAddresses: this.natAddresses, zone: this.zone });
  }

  /** What all regions share: the VPC, the range of Cloud SQL, the rules for all machines, names of Google and of databases. */
  #makeNetwork(called: Called, root: ComponentResourceOptions): Output<GcpSharedNetwork> {
    const parent = { parent: this };
    const name = called("network");
    const vpc = new Network(
      name,
      { name, autoCreateSubnetworks: false, routingMode: "REGIONAL", description: "Canton nodes, isolated" },
      root,
    );
    const [databaseAddress = "", databasePrefix] = this.addresses.database.split("/");
    const range = new GlobalAddress(
      called("database"),
      {
        name: called("database"),
        purpose: "VPC_PEERING",
        addressType: "INTERNAL",
        address: databaseAddress,
        prefixLength: Number(databasePrefix),
        network: vpc.id,
      },
      parent,
    );
    const connection = new Connection(
      called("database"),
      {
        network: vpc.id,
        service: "servicenetworking.googleapis.com",
        reservedPeeringRanges: [range.name],
        // Google keeps the peering for days after the last database; the network takes it along.
        deletionPolicy: "ABANDON",
      },
      parent,
    );
    for (const rule of gcpDefaultRules) this.#makeRule(called, vpc.id, rule);
    new Policy(called("dns"), { name: called("dns"), enableLogging: true, networks: [{ networkUrl: vpc.id }] }, parent);
    this.#answerForGoogle(called, vpc.id);
    const databaseZone = this.#makeZone(called("databases"), "sql-psa.goog", {}, vpc.id);
    return all([vpc.id, connection.reservedPeeringRanges, databaseZone.name]).apply(([network, ranges, zone]) => ({
      network,
      databaseRangeName: ranges[0] ?? "",
      databaseRange: this.addresses.database,
      databaseZone: zone,
    }));
  }

  #makeSubnets(called: Called, region: string, flowSampling: number): GcpNetwork["subnets"] {
    const { nodes, pods, services, loadBalancer, gateway, bastion, controlPlane } = this.addresses;
    const subnet = (tier: string, ipCidrRange: string, special: Partial<SubnetworkArgs>) =>
      new Subnetwork(
        called(tier),
        { name: called(tier), network: this.network, region, ipCidrRange, ...special },
        { parent: this },
      ).id;
    const machines: Partial<SubnetworkArgs> = {
      privateIpGoogleAccess: true,
      ...(flowSampling > 0 && {
        logConfig: { aggregationInterval: "INTERVAL_5_SEC", flowSampling, metadata: "INCLUDE_ALL_METADATA" },
      }),
    };
    return {
      nodes: subnet("nodes", nodes, {
        ...machines,
        secondaryIpRanges: [
          { rangeName: "pods", ipCidrRange: pods },
          { rangeName: "services", ipCidrRange: services },
        ],
      }),
      bastion: subnet("bastion", bastion, machines),
      controlPlane: subnet("control-plane", controlPlane, machines),
      // Neither holds machines: they take no logs and no access to Google.
      loadBalancer: subnet("load-balancer", loadBalancer, { purpose: "REGIONAL_MANAGED_PROXY", role: "ACTIVE" }),
      gateway: subnet("gateway", gateway, { purpose: "PRIVATE_SERVICE_CONNECT" }),
    };
  }

  #makeFirewall(called: Called, { egressPorts = [443], bastion, nodePort, shared }: GcpNetworkArgs): void {
    const { addresses } = this;
    const rulesFor = (databaseRange: string) =>
      planGcpFirewall({ addresses, databaseRange, egressPorts, bastion, nodePort });
    if (shared === undefined) {
      for (const rule of rulesFor(addresses.database)) this.#makeRule(called, this.network, rule);
      return;
    }
    // Which rules there are is known in any case; only the range of the databases is the other region's.
    for (const [index, rule] of rulesFor(addresses.database).entries()) {
      const ranges = this.shared.apply(({ databaseRange }) => [...(rulesFor(databaseRange)[index]?.ranges ?? [])]);
      this.#makeRule(called, this.network, rule, ranges);
    }
  }

  #makeRule(called: Called, network: Input<string>, rule: GcpFirewallRule, ranges?: Input<string[]>): void {
    firewallRule(rule, { network, tags: this.tags, called }, { parent: this }, ranges);
  }

  #makeNat(called: Called, region: string, count: number): Output<string[]> {
    const parent = { parent: this };
    const addresses = Array.from({ length: count }, (_, index) => {
      const name = called(`nat-${index + 1}`);
      return new Address(name, { name, region, addressType: "EXTERNAL" }, parent);
    });
    const router = new Router(called("router"), { name: called("router"), region, network: this.network }, parent);
    new RouterNat(
      called("nat"),
      {
        name: called("nat"),
        region,
        router: router.name,
        natIpAllocateOption: "MANUAL_ONLY",
        natIps: addresses.map(({ selfLink }) => selfLink),
        sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
        subnetworks: [{ name: this.subnets.nodes, sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
        enableDynamicPortAllocation: true,
        minPortsPerVm: 64,
        maxPortsPerVm: 4096,
        logConfig: { enable: true, filter: "ERRORS_ONLY" },
      },
      parent,
    );
    return all(addresses.map(({ address }) => address));
  }

  #makeZone(name: string, domain: string, labels: Record<string, string>, network = this.network): ManagedZone {
    return new ManagedZone(
      name,
      {
        name,
        dnsName: `${domain}.`,
        description: `Names under ${domain}, for this network only`,
        visibility: "private",
        privateVisibilityConfig: { networks: [{ networkUrl: network }] },
        labels,
      },
      { parent: this },
    );
  }

  #answerForGoogle(called: Called, network: Output<string>): void {
    const name = called("google");
    const parent = { parent: this };
    const policy = new ResponsePolicy(
      name,
      { responsePolicyName: name, description: "Google by private addresses", networks: [{ networkUrl: network }] },
      parent,
    );
    for (const [ruleName, domain] of Object.entries(googleNames)) {
      const dnsName = `${domain}.`;
      new ResponsePolicyRule(
        called("google", ruleName),
        {
          responsePolicy: policy.responsePolicyName,
          ruleName,
          dnsName,
          localData: { localDatas: [{ name: dnsName, type: "A", ttl: 300, rrdatas: privateGoogle }] },
        },
        parent,
      );
    }
  }
}

type Called = (...parts: string[]) => string;
