import fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkReverseProxyConfig,
  haproxyConfig,
  nginxConfig,
  type ReverseProxyConfig,
} from "./reverse-proxy-config.ts";

const config: ReverseProxyConfig = {
  port: 8443,
  statusPort: 8404,
  sequencers: [{ name: "sequencer1", host: "sequencer1.canton.svc.cluster.local", port: 5001 }],
  allowedRanges: ["10.0.0.0/8"],
  connectionsPerAddress: 10,
  connectionRatePerAddress: 10,
  connections: 100,
  idleSeconds: 60,
};
const [first] = config.sequencers as [ReverseProxyConfig["sequencers"][number]];

test.each<[Partial<ReverseProxyConfig>, RegExp]>([
  [{ sequencers: [] }, /^sequencers: got none; expected at least one/],
  [{ sequencers: [{ ...first, name: "Sequencer 1" }] }, /got the name "Sequencer 1"; expected lower-case/],
  [{ sequencers: [first, first] }, /got the name "sequencer1" a second time/],
  [{ sequencers: [{ ...first, host: "sequencer1" }] }, /sequencer1.host: got "sequencer1"; expected .* full name/],
  [{ sequencers: [{ ...first, host: "sequencer1.canton.svc" }] }, /got "sequencer1.canton.svc"/],
  [{ sequencers: [{ ...first, host: "a.b\n  server evil" }] }, /sequencer1.host: got "a.b/],
  [{ sequencers: [{ ...first, port: 0 }] }, /sequencer1.port: got 0; expected a whole number from 1 to 65535/],
  [
    {
      sequencers: [
        { ...first, healthPort: 1 },
        { ...first, name: "other" },
      ],
    },
    /healthPort: only some have one/,
  ],
  [{ allowedRanges: [] }, /^allowedRanges: got none; expected who may connect/],
  [{ allowedRanges: ["10.0.0.1/8"] }, /^allowedRanges: got "10.0.0.1\/8"; expected the first address/],
  [{ connectionsPerAddress: 101 }, /^connectionsPerAddress: got 101; expected a whole number from 1 to 100$/],
  [{ idleSeconds: 1.5 }, /^idleSeconds: got 1.5/],
])("refuses %j", (change, reason) => {
  expect(() => checkReverseProxyConfig({ ...config, ...change }, "haproxy")).toThrow(reason);
});

test.each<[Partial<ReverseProxyConfig>, RegExp]>([
  [{ sequencers: [{ ...first, healthPort: 8080 }] }, /NGINX does not ask servers for their health/],
  [
    { tls: { certificateFolder: "/c", sequencers: { caFile: "/ca", serverName: "s" } } },
    /^tls.sequencers: NGINX does not say/,
  ],
])("refuses for NGINX what only HAProxy can: %j", (change, reason) => {
  expect(() => checkReverseProxyConfig({ ...config, ...change }, "nginx")).toThrow(reason);
  expect(() => checkReverseProxyConfig({ ...config, ...change }, "haproxy")).not.toThrow();
});

test("who is not on the allow-list is refused before a server is chosen, whatever else is configured", () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const range = fc.tuple(octet, octet, octet).map(([a, b, c]) => `${a}.${b}.${c}.0/24`);
  const sequencer = fc.record({
    port: fc.integer({ min: 1, max: 65_535 }),
    healthPort: fc.integer({ min: 1, max: 65_535 }),
  });
  fc.assert(
    fc.property(
      fc.array(range, { minLength: 1 }),
      fc.array(sequencer, { minLength: 1, maxLength: 9 }),
      (ranges, ports) => {
        const sequencers = ports.map((each, index) => ({ ...first, ...each, name: `sequencer${index + 1}` }));
        const whole = { ...config, sequencers, allowedRanges: ranges };
        checkReverseProxyConfig(whole, "haproxy");
        const haproxy = haproxyConfig(whole).split("\n");
        expect(haproxy.filter((line) => line.includes("acl allowed"))).toEqual([
          `  acl allowed src ${ranges.join(" ")}`,
        ]);
        const rejects = haproxy.indexOf("  tcp-request connection reject unless allowed");
        expect(rejects).toBeGreaterThan(0);
        expect(rejects).toBeLessThan(haproxy.indexOf("  default_backend sequencers"));
        expect(haproxy.filter((line) => line.startsWith("  server ")).map((line) => line.split(" ")[4])).toEqual(
          sequencers.map(({ host, port }) => `${host}:${port}`),
        );
        const nginx = nginxConfig(whole).split("\n");
        const rules = nginx.filter((line) => /^ {4}(?:allow|deny) /.test(line)).map((line) => line.trim());
        expect(rules).toEqual([...ranges.map((each) => `allow ${each};`), "deny all;"]);
      },
    ),
  );
});
