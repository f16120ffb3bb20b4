/** Loaded into a node before its program: resolves the names of Services, as the cluster's name server would. */
import dns from "node:dns";

const addresses = JSON.parse(process.env["SERVICE_ADDRESSES"] ?? "{}") as Record<string, string>;

const { lookup } = dns.promises;
dns.promises.lookup = ((host: string, options: any) => {
  const address = addresses[host.replace(/\.svc(\.cluster\.local)?$/, "")];
  if (address === undefined) return lookup(host, options);
  const found = { address, family: 4 };
  return Promise.resolve(options?.all ? [found] : found);
}) as typeof lookup;
