import { Address } from "@pulumi/gcp/compute/address.js";
import { ForwardingRule } from "@pulumi/gcp/compute/forwardingRule.js";
import { RegionBackendService } from "@pulumi/gcp/compute/regionBackendService.js";
import { RegionTargetTcpProxy } from "@pulumi/gcp/compute/regionTargetTcpProxy.js";
import { ServiceAttachment } from "@pulumi/gcp/compute/serviceAttachment.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import { ingressBackends, ingressHealthCheck, ingressPortName } from "./gcp-ingress-backend.ts";
import type { GcpNetwork } from "./gcp-network.ts";

/** Where the owner's participant is. */
export interface GcpParticipantNetwork {
  /** Id of its project. Default: that of the domain. */
  readonly project?: string | undefined;
  /** Resource name of its network. Example: `"projects/acme-participant/global/networks/owner"`. */
  readonly network: Input<string>;
  /** Resource name of the subnet that gets the address, in the domain's region. */
  readonly subnetwork: Input<string>;
}

/** Arguments of a `GcpGateway`. */
export interface GcpGatewayArgs {
  readonly deployment: Deployment;
  /** Example: `"europe-west3"`. */
  readonly region: string;
  /** The domain's network. */
  readonly network: GcpNetwork;
  /** Groups of machines whose port `ingress` it forwards to. */
  readonly instanceGroups: Input<string[]>;
  readonly participant: GcpParticipantNetwork;
  /** Port of the sequencers' ingress that the participant dials. Default: 443. */
  readonly port?: number;
}

/**
 * Isolates the domain from the network of its owner's participant: neither has a route to the other. The participant gets one
 * address in its own network, at which one port is there, the sequencers' (Private Service Connect), and no other network can
 * ask for one.
 *
 * Resources: 8.
 *
 * Cost: some 35 USD a month for both ends, 0.01 USD a GiB.
 */
export class GcpGateway extends ComponentResource {
  /** What the participant dials, in its own network. */
  declare readonly address: Output<string>;

  constructor(name: string, args: GcpGatewayArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:GcpGateway", name, {}, options);
    const { deployment, region, participant } = args;
    const parent = { parent: this };
    const gatewayName = nameWithin({ length: 63 }, deployment.name, "gateway");
    const named = { name: gatewayName, region };

    const offered = this.#offer(named, args);
    // The participant's network may be in the same project: what is there has a name of its own.
    const participantName = nameWithin({ length: 63 }, deployment.name, "gateway", "participant");
    const there = {
      name: participantName,
      region,
      ...(participant.project !== undefined && { project: participant.project }),
    };
    const address = new Address(
      participantName,
      { ...there, addressType: "INTERNAL", subnetwork: participant.subnetwork, labels: tagsOf(deployment) },
      parent,
    );
    new ForwardingRule(
      participantName,
      {
        ...there,
        network: participant.network,
        ipAddress: address.selfLink,
        // Neither internal nor external: it leads to what another network offers.
        loadBalancingScheme: "",
        target: offered.selfLink,
        labels: tagsOf(deployment),
      },
      parent,
    );
    this.address = address.address;
    this.registerOutputs({ address: this.address });
  }

  /** The domain's end: one port, for one network. */
  #offer(named: { name: string; region: string }, args: GcpGatewayArgs): ServiceAttachment {
    const { deployment, network, instanceGroups, participant, port = 443 } = args;
    const parent = { parent: this };
    const { name } = named;
    const backend = new RegionBackendService(
      name,
      {
        ...named,
        loadBalancingScheme: "INTERNAL_MANAGED",
        protocol: "TCP",
        portName: ingressPortName,
        backends: ingressBackends(instanceGroups),
        healthChecks: ingressHealthCheck(named, parent).id,
        // Subscriptions of participants are streams that last.
        timeoutSec: 86_400,
        logConfig: { enable: true, sampleRate: 1 },
      },
      parent,
    );
    const proxy = new RegionTargetTcpProxy(name, { ...named, backendService: backend.id }, parent);
    const forwarding = new ForwardingRule(
      name,
      {
        ...named,
        loadBalancingScheme: "INTERNAL_MANAGED",
        // Its proxies are in the network's subnet for them: the subnet has to be there.
        network: network.subnets.loadBalancer.apply(() => network.network),
        subnetwork: network.subnets.nodes,
        ipProtocol: "TCP",
        portRange: String(port),
        target: proxy.id,
        labels: tagsOf(deployment),
      },
      parent,
    );
    return new ServiceAttachment(
      name,
      {
        ...named,
        description: "Sequencers, for the participant of the domain's owner",
        targetService: forwarding.selfLink,
        natSubnets: [network.subnets.gateway],
        enableProxyProtocol: false,
        connectionPreference: "ACCEPT_MANUAL",
        consumerAcceptLists: [{ networkUrl: participant.network, connectionLimit: 1 }],
        reconcileConnections: true,
      },
      parent,
    );
  }
}
