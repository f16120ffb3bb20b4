import { Certificate } from "@pulumi/gcp/certificatemanager/certificate.js";
import { DnsAuthorization } from "@pulumi/gcp/certificatemanager/dnsAuthorization.js";
import { Address } from "@pulumi/gcp/compute/address.js";
import { ForwardingRule } from "@pulumi/gcp/compute/forwardingRule.js";
import { RegionBackendService } from "@pulumi/gcp/compute/regionBackendService.js";
import { RegionSslPolicy } from "@pulumi/gcp/compute/regionSslPolicy.js";
import { RegionTargetHttpsProxy } from "@pulumi/gcp/compute/regionTargetHttpsProxy.js";
import { RegionUrlMap } from "@pulumi/gcp/compute/regionUrlMap.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import { GcpArmor } from "./gcp-armor.ts";
import type { ArmorPlan } from "./gcp-armor-plan.ts";
import { ingressBackends, ingressHealthCheck, ingressPortName } from "./gcp-ingress-backend.ts";
import type { GcpNetwork } from "./gcp-network.ts";

/** Arguments of a `GcpLoadBalancer`. */
export interface GcpLoadBalancerArgs {
  readonly deployment: Deployment;
  /** Example: `"europe-west3"`. */
  readonly region: string;
  readonly network: GcpNetwork;
  /** Groups of machines whose port `ingress` it forwards to. */
  readonly instanceGroups: Input<string[]>;
  /** Name that it is reached by, in a DNS zone of your own. Example: `"canton.example.com"`. */
  readonly hostname: string;
  /** Who may come, how often, and what is looked for. */
  readonly armor: ArmorPlan;
}

/** A DNS record for people to make. */
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly data: string;
}

/**
 * The way in from the internet where a firewall for HTTP is asked for: a regional load balancer with Cloud Armor, TLS 1.2 and
 * later, a certificate that Google renews, and TLS again to the ingress.
 *
 * Resources: 12, Cloud Armor's among them. The certificate is given once the record `certificateRecord` is in the DNS zone of `hostname`.
 *
 * Cost: some 25 USD a month, 0.008 USD a GiB, and Cloud Armor's.
 */
export class GcpLoadBalancer extends ComponentResource {
  /** What the hostname has to point to. */
  declare readonly address: Output<string>;
  /** Shows Google that the hostname is yours. */
  declare readonly certificateRecord: Output<DnsRecord | undefined>;

  constructor(name: string, args: GcpLoadBalancerArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:GcpLoadBalancer", name, {}, options);
    const { deployment, region, network, hostname } = args;
    const parent = { parent: this };
    const lbName = nameWithin({ length: 63 }, deployment.name, "front");
    const named = { name: lbName, region };

    const armor = new GcpArmor(name, { deployment, region, ...args.armor }, parent);
    const backend = this.#makeBackend(named, args, armor);
    const urlMap = new RegionUrlMap(lbName, { ...named, defaultService: backend.id }, parent);
    const authorization = new DnsAuthorization(
      lbName,
      { name: lbName, location: region, domain: hostname, type: "PER_PROJECT_RECORD", labels: tagsOf(deployment) },
      parent,
    );
    const certificate = new Certificate(
      lbName,
      {
        name: lbName,
        location: region,
        managed: { domains: [hostname], dnsAuthorizations: [authorization.id] },
        labels: tagsOf(deployment),
      },
      parent,
    );
    const tls = new RegionSslPolicy(lbName, { ...named, minTlsVersion: "TLS_1_2", profile: "RESTRICTED" }, parent);
    const proxy = new RegionTargetHttpsProxy(
      lbName,
      { ...named, urlMap: urlMap.id, certificateManagerCertificates: [certificate.id], sslPolicy: tls.id },
      parent,
    );
    const address = new Address(
      lbName,
      { ...named, addressType: "EXTERNAL", networkTier: "PREMIUM", labels: tagsOf(deployment) },
      parent,
    );
    new ForwardingRule(
      lbName,
      {
        ...named,
        loadBalancingScheme: "EXTERNAL_MANAGED",
        networkTier: "PREMIUM",
        // Its proxies are in the network's subnet for them: the subnet has to be there.
        network: network.subnets.loadBalancer.apply(() => network.network),
        ipAddress: address.address,
        ipProtocol: "TCP",
        portRange: "443",
        target: proxy.id,
        labels: tagsOf(deployment),
      },
      parent,
    );
    this.address = address.address;
    this.certificateRecord = authorization.dnsResourceRecords.apply((records) => records[0]);
    this.registerOutputs({ address: this.address });
  }

  #makeBackend(
    named: { name: string; region: string },
    args: GcpLoadBalancerArgs,
    armor: GcpArmor,
  ): RegionBackendService {
    const parent = { parent: this };
    return new RegionBackendService(
      named.name,
      {
        ...named,
        loadBalancingScheme: "EXTERNAL_MANAGED",
        // gRPC, from end to end.
        protocol: "HTTP2",
        portName: ingressPortName,
        backends: ingressBackends(args.instanceGroups),
        healthChecks: ingressHealthCheck(named, parent).id,
        securityPolicy: armor.policy,
        // Subscriptions of participants are streams that last.
        timeoutSec: 86_400,
        connectionDrainingTimeoutSec: 60,
        logConfig: { enable: true, sampleRate: 1 },
      },
      parent,
    );
  }
}
