import { DomainConnectivityServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/domain_connectivity.ts";
import type { AdminApi } from "./admin-api.ts";
import type { Network, NetworkNode } from "./network.ts";

/** A node that follows a domain, and so has to see a change of its topology. */
export interface Observer {
  readonly name: string;
  readonly adminApi: string;
  /** The domain that it follows. */
  readonly domainId: string;
}

/** The domains that a node is on: those that a participant is connected to, or the domain itself. */
export async function domainsOf(api: AdminApi, network: Network, node: NetworkNode): Promise<string[]> {
  if (node.role !== "participant") return [network.domain.id];
  const { connectedDomains } = await api.call(
    node.adminApi,
    DomainConnectivityServiceClient,
    "listConnectedDomains",
    {},
  );
  return connectedDomains.map(({ domainId }) => domainId);
}

/**
 * The nodes of this network on which a change by one of them has to show: itself, the domain's manager, and the
 * participants that are connected to one of its domains. A node that does not answer is left out: it catches up later.
 */
export async function observersOf(api: AdminApi, network: Network, self: NetworkNode): Promise<Observer[]> {
  const domains = await domainsOf(api, network, self);
  const seen = await Promise.all(
    Object.entries(network.nodes).map(async ([name, node]): Promise<Observer[]> => {
      if (node.role !== "participant" && node.role !== "domain-manager") return [];
      const own = node.id === self.id ? domains : await domainsOf(api, network, node).catch(() => []);
      return own.filter((id) => domains.includes(id)).map((domainId) => ({ name, adminApi: node.adminApi, domainId }));
    }),
  );
  return seen.flat();
}
