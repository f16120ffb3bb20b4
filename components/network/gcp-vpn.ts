import { ExternalVpnGateway } from "@pulumi/gcp/compute/externalVpnGateway.js";
import { HaVpnGateway } from "@pulumi/gcp/compute/haVpnGateway.js";
import { Router } from "@pulumi/gcp/compute/router.js";
import { RouterInterface } from "@pulumi/gcp/compute/routerInterface.js";
import { RouterPeer } from "@pulumi/gcp/compute/routerPeer.js";
import { RouterRoutePolicy } from "@pulumi/gcp/compute/routerRoutePolicy.js";
import { VPNTunnel } from "@pulumi/gcp/compute/vpntunnel.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  output,
  secret,
} from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { nameWithin } from "../deployment/names.ts";
import { firewallRule } from "./gcp-firewall.ts";
import type { GcpNetwork } from "./gcp-network.ts";
import { type GcpTunnel, planTunnels, planVpnFirewall, routeTerms, type VpnSide } from "./gcp-vpn-plan.ts";

/** Arguments of a `GcpVpn`. */
export interface GcpVpnArgs {
  readonly deployment: Deployment;
  /** Example: `"europe-west3"`. */
  readonly region: string;
  readonly network: GcpNetwork;
  readonly side: VpnSide;
  /** Ranges of this network that the other side is told of: of a domain its ingress, of a participant its pods. */
  readonly announced: readonly Input<string>[];
  /** Ranges of the other side. Example: `["10.30.0.0/16"]`. */
  readonly peerRanges: readonly string[];
  /** Ports of the sequencers, as their ingress has them; at least one. Example: `[443]`. */
  readonly ports: readonly number[];
  /** Number of this network's autonomous system, for private use. Example: `64520`. */
  readonly asn: number;
  /** That of the other side. */
  readonly peerAsn: number;
  /** Two tunnels, or four; the key of each is one that was agreed on, or by default one that is drawn for all of them. */
  readonly tunnels: readonly (GcpTunnel & { readonly sharedKey?: Input<string> | undefined })[];
}

/** What the other side has to know of a VPN, besides its keys. */
export interface GcpVpnEnd {
  readonly asn: number;
  /** For each tunnel: where it starts, and the addresses of the BGP session as the other side sees them. */
  readonly tunnels: readonly { readonly address: string; readonly ownBgp: string; readonly peerBgp: string }[];
}

/**
 * Joins a network and one that is elsewhere, on premises or in another cloud, by tunnels over the internet (HA VPN), and isolates
 * them by the same: each side is told of one range of the other and believes in no other; a firewall that goes before all other
 * rules lets only connections to the sequencers' ports through, from the participant to the domain.
 *
 * Resources: 8, 3 for every tunnel, 1 where a key is drawn; with two tunnels 15.
 *
 * Cost: about 37 USD a month for each tunnel, and traffic to the internet.
 */
export class GcpVpn extends ComponentResource {
  declare readonly end: Output<GcpVpnEnd>;
  /** The key of each tunnel. Secret. */
  declare readonly keys: Output<string[]>;

  constructor(name: string, args: GcpVpnArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:GcpVpn", name, {}, options);
    const { deployment, region, network, asn, peerAsn, peerRanges } = args;
    const parent = { parent: this };
    const called = (...parts: string[]) => nameWithin({ length: 63 }, deployment.name, ...parts);
    const vpn = called("vpn");
    const named = { name: vpn, region };
    const plan = planTunnels(args.tunnels);
    for (const rule of planVpnFirewall(args.side, peerRanges, args.ports)) {
      firewallRule(rule, { network: network.network, tags: network.tags, called }, parent);
    }
    const gateway = new HaVpnGateway(vpn, { ...named, network: network.network, labels: tagsOf(deployment) }, parent);
    const other = new ExternalVpnGateway(
      vpn,
      {
        name: vpn,
        redundancyType: plan.redundancy,
        interfaces: plan.peerAddresses.map((ipAddress, id) => ({ id, ipAddress })),
        labels: tagsOf(deployment),
      },
      parent,
    );
    const router = new Router(
      vpn,
      {
        ...named,
        network: network.network,
        bgp: {
          asn,
          advertiseMode: "CUSTOM",
          advertisedIpRanges: args.announced.map((range) => ({ range })),
        },
      },
      parent,
    );
    const believed = new RouterRoutePolicy(
      vpn,
      {
        ...named,
        router: router.name,
        type: "ROUTE_POLICY_TYPE_IMPORT",
        terms: routeTerms(peerRanges).map(({ actions, ...term }) => ({ ...term, actions: [...actions] })),
      },
      parent,
    );
    const keys = this.#keys(vpn, args);
    plan.tunnels.forEach(({ ownInterface, peerInterface, ownAddress, peerAddress }, index) => {
      const tunnelName = called("vpn", String(index + 1));
      const of = { name: tunnelName, region, router: router.name };
      const tunnel = new VPNTunnel(
        tunnelName,
        {
          name: tunnelName,
          region,
          router: router.id,
          vpnGateway: gateway.id,
          vpnGatewayInterface: ownInterface,
          peerExternalGateway: other.id,
          peerExternalGatewayInterface: peerInterface,
          ikeVersion: 2,
          sharedSecret: keys[index] as Output<string>,
          labels: tagsOf(deployment),
        },
        parent,
      );
      const ours = new RouterInterface(
        tunnelName,
        { ...of, ipRange: `${ownAddress}/30`, vpnTunnel: tunnel.name },
        parent,
      );
      new RouterPeer(
        tunnelName,
        {
          ...of,
          interface: ours.name,
          ipAddress: ownAddress,
          peerIpAddress: peerAddress,
          peerAsn,
          importPolicies: [believed.name],
        },
        parent,
      );
    });
    this.keys = secret(all(keys));
    this.end = gateway.vpnInterfaces.apply((interfaces) => ({
      asn,
      tunnels: plan.tunnels.map(({ ownInterface, ownAddress, peerAddress }) => ({
        address: interfaces.find(({ id }) => id === ownInterface)?.ipAddress ?? "",
        ownBgp: peerAddress,
        peerBgp: ownAddress,
      })),
    }));
    this.registerOutputs({ end: this.end });
  }

  /** One for each tunnel. */
  #keys(name: string, { tunnels }: GcpVpnArgs): Output<string>[] {
    const drawn = tunnels.some(({ sharedKey }) => sharedKey === undefined)
      ? new RandomPassword(name, { length: 64, special: false }, { parent: this }).result
      : undefined;
    return tunnels.map(({ sharedKey }) => secret(output(sharedKey ?? (drawn as Output<string>))));
  }
}
