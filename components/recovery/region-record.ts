import { isIP } from "node:net";
import { Record as Route53Record } from "@pulumi/aws/route53/record.js";
import { RecordSet as AzureRecordSet } from "@pulumi/azure-native/dns/recordSet.js";
import { RecordSet as GcpRecordSet } from "@pulumi/gcp/dns/recordSet.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";

/** Which of two regions: the one that a deployment starts in, and the one that stands by for it. */
export const regionRoles = ["primary", "standby"] as const;

/** A DNS zone that is there. */
export type DnsZone =
  | { readonly type: "route53"; readonly zoneId: string }
  | { readonly type: "azure-dns"; readonly resourceGroup: string; readonly zoneName: string }
  | { readonly type: "cloud-dns"; readonly project: string; readonly managedZone: string };

/** Arguments of a `RegionRecord`. */
export interface RegionRecordArgs {
  /** The name. Example: `"canton.example.com"`. */
  readonly host: string;
  /** The zone that it is in. */
  readonly zone: DnsZone;
  /** Where it leads: an IP address or a host name. Example: `"203.0.113.7"`. */
  readonly endpoint: string;
  /** For how long others may remember that, in seconds: a switch-over takes as long to be seen. Default: 30. */
  readonly ttlSeconds?: number;
}

/**
 * A name that leads to the active region. Who dials it finds the other region after a switch-over, within the record's time to
 * live.
 *
 * Resources: 2. Cost: under 1 USD a month.
 */
export class RegionRecord extends ComponentResource {
  constructor(name: string, args: RegionRecordArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:recovery:RegionRecord", name, {}, options);
    const { host, zone, endpoint, ttlSeconds: ttl = 30 } = args;
    const parent = { parent: this };
    const type = recordType(endpoint);
    switch (zone.type) {
      case "route53":
        new Route53Record(name, { zoneId: zone.zoneId, name: host, type, ttl, records: [endpoint] }, parent);
        break;
      case "azure-dns":
        new AzureRecordSet(
          name,
          {
            resourceGroupName: zone.resourceGroup,
            zoneName: zone.zoneName,
            relativeRecordSetName: relativeName(host, zone.zoneName),
            recordType: type,
            ttl,
            ...azureRecords[type](endpoint),
          },
          parent,
        );
        break;
      case "cloud-dns":
        new GcpRecordSet(
          name,
          {
            project: zone.project,
            managedZone: zone.managedZone,
            name: `${host}.`,
            type,
            ttl,
            rrdatas: [type === "CNAME" ? `${endpoint}.` : endpoint],
          },
          parent,
        );
        break;
    }
    this.registerOutputs({});
  }
}

/** The type of a record that leads to an address or a host name. */
export function recordType(endpoint: string): "A" | "AAAA" | "CNAME" {
  const version = isIP(endpoint);
  return version === 4 ? "A" : version === 6 ? "AAAA" : "CNAME";
}

/** The name inside its zone. */
function relativeName(host: string, zoneName: string): string {
  return host === zoneName ? "@" : host.slice(0, -zoneName.length - 1);
}

const azureRecords = {
  A: (endpoint: string) => ({ aRecords: [{ ipv4Address: endpoint }] }),
  AAAA: (endpoint: string) => ({ aaaaRecords: [{ ipv6Address: endpoint }] }),
  CNAME: (endpoint: string) => ({ cnameRecord: { cname: endpoint } }),
};
