import { expect, test } from "vitest";
import { adminApi } from "./admin-api.ts";

const url = "https://domain-manager.canton.svc.cluster.local:5002";

test("an API is reached by its URL, or by a tunnel: there with the name that its certificate bears", () => {
  const tunnels = new Map([[url, { address: "127.0.0.1", port: 15001 }]]);
  const files = { caFile: "ca.pem", clientCertificate: "client.crt", clientKey: "client.key" };
  const tls = { caFile: "ca.pem", certChainFile: "client.crt", privateKeyFile: "client.key" };
  expect(adminApi(files).target(url)).toEqual({ url, tls });
  expect(adminApi({ ...files, tunnels }).target(url)).toEqual({
    address: "127.0.0.1",
    port: 15001,
    tls: { ...tls, serverName: "domain-manager.canton.svc.cluster.local" },
  });
  expect(adminApi({ ...files, tunnels }).target("http://127.0.0.1:1")).toEqual({ url: "http://127.0.0.1:1" });
});
