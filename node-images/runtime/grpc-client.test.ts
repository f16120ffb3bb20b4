import { expect, test } from "vitest";
import { bearerMetadata, type ClientTarget } from "./grpc-client.ts";

const authorization = "Bearer a.b.c";

test.each<ClientTarget>([
  { url: "https://ledger.example.com" },
  { url: "http://127.0.0.1:5011" },
  { url: "http://[::1]:5011" },
  { address: "ledger.example.com", port: 443, tls: {} },
  { address: "localhost", port: 5011 },
])("a token goes to %j", (target) => {
  expect(bearerMetadata(target, "a.b.c")).toEqual({ authorization });
});

test.each<ClientTarget>([
  { url: "http://ledger.example.com:5011" },
  { url: "http://127.0.0.1.example.com:5011" },
  { address: "10.0.0.1", port: 5011 },
])("no token goes to %j, and no error tells it", (target) => {
  const sending = () => bearerMetadata(target, "a.b.c");
  expect(sending).toThrow(/no token is sent to .* without TLS/);
  expect(sending).not.toThrow(/a\.b\.c/);
});
