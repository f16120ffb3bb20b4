import { expect, test } from "vitest";
import { testType, violations } from "../testing/ask.ts";
import { noPlainSecrets } from "./no-plain-secrets.ts";

const container = {
  name: "node",
  env: [
    { name: "DB_PASSWORD", valueFrom: { secretKeyRef: { name: "bob", key: "password" } } },
    { name: "LOG_LEVEL", value: "info" },
  ],
  args: ["--config=/etc/canton/bob.yaml"],
};
const path = "spec.template.spec.containers.0";
const deployment = {
  type: "kubernetes:apps/v1:Deployment",
  props: { spec: { template: { spec: { containers: [container] } } } },
};

testType(noPlainSecrets, deployment, [
  [`${path}.env.0`, { name: "DB_PASSWORD", value: "hunter22" }, /env\[0\] \(DB_PASSWORD\): a secret in the clear/],
  [`${path}.env.1.value`, "postgres://bob:hunter22@db/bob", /env\[1\] \(LOG_LEVEL\)/],
  [`${path}.args.0`, "--password=hunter22", /args\[0\]/],
]);
testType(
  noPlainSecrets,
  { type: "kubernetes:core/v1:ConfigMap", props: { data: { "node.yaml": "passwordFile: /secrets/password" } } },
  [
    ["data", { "node.yaml": "storage:\n  password: hunter22" }, "data.node.yaml"],
    ["data", { "tls.pem": "-----BEGIN PRIVATE KEY-----" }, "data.tls.pem"],
    ["data.password", "hunter22"],
  ],
);
testType(
  noPlainSecrets,
  {
    type: "pulumi-nodejs:dynamic/local:Node",
    props: { config: { storage: { passwordFile: "/secrets/bob" }, peers: [{ address: "127.0.0.1" }] } },
  },
  [
    ["config.storage.password", "hunter22"],
    ["config.peers.0.token", "hunter22", "config.peers[0].token"],
  ],
);

test("a message never repeats the secret", async () => {
  const props = { data: { password: "hunter22" } };
  const messages = await violations(noPlainSecrets, { type: "kubernetes:core/v1:ConfigMap", props });
  expect(messages.join()).not.toContain("hunter22");
});
