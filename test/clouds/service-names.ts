/** Loaded into a node before its program: resolves the names of Services, as the cluster's name server would. */
import dns from "node:dns";

const addresses = JSON.parse(process.env["SERVICE_ADDRESSES"] ?? "{}") as Record<string, string>;

/** The address of a Service, by its full name or a shorter one; undefined for all other names. */
function addressOf(host: string): string | undefined {
  return addresses[host] ?? (/\.svc(\.cluster\.local)?$/.test(host) ? addresses[host.split(".")[0] ?? ""] : undefined);
}

const { lookup } = dns.promises;
dns.promises.lookup = ((host: string, options: any) => {
  const address = addressOf(host);
  if (address === undefined) return lookup(host, options);
  const found = { address, family: 4 };
  return Promise.resolve(options?.all ? [found] : found);
}) as typeof lookup;
