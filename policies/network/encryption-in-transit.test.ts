import type { ListenerArgs } from "@pulumi/aws/lb/listener.js";
import type { ParameterGroupArgs } from "@pulumi/aws/rds/parameterGroup.js";
import type { ConfigurationArgs } from "@pulumi/azure-native/dbforpostgresql/configuration.js";
import type { StorageAccountArgs } from "@pulumi/azure-native/storage/storageAccount.js";
import type { DatabaseInstanceArgs } from "@pulumi/gcp/sql/databaseInstance.js";
import { expect, test } from "vitest";
import { stackViolations, testType, unknownText, violations } from "../testing/ask.ts";
import { encryptionInTransit } from "./encryption-in-transit.ts";

const parameters = [{ name: "rds.force_ssl", value: "1" }];

testType(
  encryptionInTransit,
  { type: "aws:rds/parameterGroup:ParameterGroup", props: { parameters } satisfies Partial<ParameterGroupArgs> },
  [["parameters.0.value", "0", "rds.force_ssl"]],
);
testType(encryptionInTransit, { type: "aws:rds/clusterParameterGroup:ClusterParameterGroup", props: { parameters } }, [
  ["parameters.0.value", "0", "rds.force_ssl"],
]);
testType(
  encryptionInTransit,
  {
    type: "azure-native:dbforpostgresql:Configuration",
    props: { configurationName: "require_secure_transport", value: "on" } satisfies Partial<ConfigurationArgs>,
  },
  [["value", "off"]],
);
testType(
  encryptionInTransit,
  {
    type: "gcp:sql/databaseInstance:DatabaseInstance",
    props: {
      settings: { tier: "db-custom-2-7680", ipConfiguration: { sslMode: "ENCRYPTED_ONLY" } },
    } satisfies Partial<DatabaseInstanceArgs>,
  },
  [
    ["settings.ipConfiguration.sslMode", "ALLOW_UNENCRYPTED_AND_ENCRYPTED"],
    ["settings.ipConfiguration.sslMode", undefined],
  ],
);
testType(
  encryptionInTransit,
  {
    type: "azure-native:storage:StorageAccount",
    props: { enableHttpsTrafficOnly: true, minimumTlsVersion: "TLS1_2" } satisfies Partial<StorageAccountArgs>,
  },
  [
    ["enableHttpsTrafficOnly", false],
    ["minimumTlsVersion", "TLS1_0"],
    ["minimumTlsVersion", undefined],
  ],
);
testType(
  encryptionInTransit,
  {
    type: "aws:lb/listener:Listener",
    props: { protocol: "HTTPS", defaultActions: [{ type: "forward" }] } satisfies Partial<ListenerArgs>,
  },
  [["protocol", "HTTP"]],
);
testType(
  encryptionInTransit,
  { type: "kubernetes:networking.k8s.io/v1:Ingress", props: { spec: { tls: [{ secretName: "ingress" }] } } },
  [
    ["spec.tls", []],
    ["spec.tls", undefined],
  ],
);
for (const type of ["kubernetes:traefik.io/v1alpha1:IngressRoute", "kubernetes:traefik.io/v1alpha1:IngressRouteTCP"]) {
  const props = { spec: { tls: { secretName: "ingress" }, routes: [{ services: [{ name: "sequencer1" }] }] } };
  testType(encryptionInTransit, { type, props }, [["spec.tls", undefined]]);
}

test("a listener or route that only sends on to TLS needs none", async () => {
  const redirects = [
    { type: "aws:lb/listener:Listener", props: { protocol: "HTTP", defaultActions: [{ type: "redirect" }] } },
    {
      type: "kubernetes:traefik.io/v1alpha1:IngressRoute",
      props: { spec: { routes: [{ middlewares: [{ name: "to-https" }] }] } },
    },
  ];
  for (const redirect of redirects) expect(await violations(encryptionInTransit, redirect)).toEqual([]);
});

test("other settings of a database are not judged", async () => {
  const props = { configurationName: "azure.extensions", value: "off" };
  expect(await violations(encryptionInTransit, { type: "azure-native:dbforpostgresql:Configuration", props })).toEqual(
    [],
  );
});

test("every bucket of S3 refuses plain HTTP", async () => {
  const bucket = { type: "aws:s3/bucket:Bucket", name: "dumps", props: {} };
  const statement = { Effect: "Deny", Principal: "*", Condition: { Bool: { "aws:SecureTransport": "false" } } };
  const policy = (document: unknown) => ({
    type: "aws:s3/bucketPolicy:BucketPolicy",
    name: "policy",
    takes: { bucket: "dumps" },
    props: { policy: document },
  });
  const told = { dumps: [expect.stringContaining("aws:SecureTransport")] };
  for (const good of [{ Statement: [statement] }, JSON.stringify({ Statement: [statement] }), unknownText]) {
    expect(await stackViolations(encryptionInTransit, [bucket, policy(good)])).toEqual({});
  }
  for (const bad of [{ Statement: [{ ...statement, Effect: "Allow" }] }, "{}", "no JSON"]) {
    expect(await stackViolations(encryptionInTransit, [bucket, policy(bad)])).toEqual(told);
  }
  expect(await stackViolations(encryptionInTransit, [bucket])).toEqual(told);
});
