import * as pulumi from "@pulumi/pulumi";
import { beforeAll, expect, test } from "vitest";
import { type Registered, register } from "../testing/registered.ts";
import { type DnsZone, RegionRecord } from "./region-record.ts";

let registered: Registered[];

beforeAll(async () => {
  registered = await register();
});

async function made(zone: DnsZone, endpoint: string): Promise<Registered | undefined> {
  registered.length = 0;
  new RegionRecord("record", { host: "canton.example.com", zone, endpoint });
  await pulumi.runtime.disconnect();
  return registered.find(({ type }) => !type.startsWith("pulumi-canton:"));
}

test("a host name is a CNAME, an address an A or AAAA, in each cloud's own words", async () => {
  expect(await made({ type: "route53", zoneId: "Z1" }, "nlb.example.net")).toMatchObject({
    type: "aws:route53/record:Record",
    inputs: { zoneId: "Z1", name: "canton.example.com", type: "CNAME", ttl: 30, records: ["nlb.example.net"] },
  });
  const azure = { type: "azure-dns", resourceGroup: "dns", zoneName: "example.com" } as const;
  expect(await made(azure, "2001:db8::7")).toMatchObject({
    type: "azure-native:dns:RecordSet",
    inputs: { relativeRecordSetName: "canton", recordType: "AAAA", aaaaRecords: [{ ipv6Address: "2001:db8::7" }] },
  });
  expect((await made({ ...azure, zoneName: "canton.example.com" }, "203.0.113.7"))?.inputs).toMatchObject({
    relativeRecordSetName: "@",
    recordType: "A",
    aRecords: [{ ipv4Address: "203.0.113.7" }],
  });
  expect(await made({ type: "cloud-dns", project: "p", managedZone: "zone" }, "lb.example.net")).toMatchObject({
    type: "gcp:dns/recordSet:RecordSet",
    inputs: { name: "canton.example.com.", type: "CNAME", rrdatas: ["lb.example.net."] },
  });
});
