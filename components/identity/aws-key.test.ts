import { beforeEach, describe, expect, test } from "vitest";
import { of, type Recorded, recordAws, settled } from "../network/testing/recorded-aws.ts";
import { AwsKey, type AwsKeyArgs } from "./aws-key.ts";
import { dataKeyStatements, nodeKeyStatements } from "./aws-key-policy.ts";
import type { Statement } from "./aws-policy.ts";

let recorded: Recorded[];

beforeEach(async () => {
  recorded = await recordAws();
});

const args: AwsKeyArgs = {
  deployment: { name: "acme", environment: "production" },
  purpose: "disks",
  policy: "{}",
  protect: true,
};
const place = { account: "123456789012", region: "eu-central-1" };
const root = "arn:aws:iam::123456789012:root";

test("a key is renewed, named and kept", async () => {
  expect(await settled(new AwsKey("k", args).arn)).toBe("arn:aws:kms/key:Key:k");
  expect(of(recorded, "kms/key")["k"]).toMatchObject({
    enableKeyRotation: true,
    deletionWindowInDays: 30,
    multiRegion: false,
    policy: "{}",
  });
  expect(of(recorded, "kms/alias")["k"]).toEqual({ name: "alias/k", targetKeyId: "key-k" });
  expect(recorded).toHaveLength(3);
  expect(recorded.find(({ type }) => type.endsWith(":Key"))).toMatchObject({ protect: true, retainOnDelete: true });
});

test("a replica of a key is in another region and reads what the first encrypted", async () => {
  await settled(new AwsKey("k", { ...args, replicaOf: "arn:first", region: "eu-west-1" }).arn);
  expect(of(recorded, "kms/key")).toEqual({});
  expect(of(recorded, "kms/replicaKey")["k"]).toMatchObject({ primaryKeyArn: "arn:first", region: "eu-west-1" });
  expect(of(recorded, "kms/alias")["k"]).toMatchObject({ region: "eu-west-1" });
});

describe("the key of data", () => {
  const statements = dataKeyStatements(place);

  test("is used by services for this account alone", () => {
    const open = statements.filter(({ Principal }) => JSON.stringify(Principal) === '{"AWS":"*"}');
    expect(open).toHaveLength(2);
    for (const { Condition } of open) {
      expect(Condition?.["StringEquals"]).toMatchObject({ "kms:CallerAccount": place.account });
      expect(Condition?.["StringEquals"]?.["kms:ViaService"]).toContain("rds.eu-central-1.amazonaws.com");
    }
  });

  test("is lent on only to services", () => {
    const [lending] = statements.filter(({ Action }) => Action === "kms:CreateGrant");
    expect(lending?.Condition?.["Bool"]).toEqual({ "kms:GrantIsForAWSResource": "true" });
  });

  test("encrypts logs of this account's groups", () => {
    const logs = statements.find(({ Principal }) => JSON.stringify(Principal).includes("logs."));
    expect(logs?.Condition?.["ArnLike"]).toEqual({
      "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-central-1:123456789012:log-group:*",
    });
  });
});

describe("the key of nodes' keys", () => {
  const statements = nodeKeyStatements(place, "arn:role");
  const actionsOf = (principal: string) =>
    statements
      .filter(({ Principal }) => (Principal as { AWS: string }).AWS === principal)
      .flatMap(({ Action }: Statement) => Action);

  test("is used by nobody but the nodes' role, as nodes do", () => {
    expect(actionsOf("arn:role")).toEqual(["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"]);
    const use = statements.find(({ Sid }) => Sid === "Nodes");
    expect(use?.Condition?.["StringEquals"]).toEqual({
      "kms:EncryptionContext:application": "pulumi-canton",
      "kms:EncryptionContext:purpose": "private-keys",
    });
  });

  test("is administered by the account, which cannot use it and does not lose it", () => {
    const actions = actionsOf(root);
    expect(actions).toContain("kms:Put*");
    for (const action of actions) expect(action).not.toMatch(/^kms:\*$|Encrypt|Decrypt|GenerateData|Sign|CreateGrant$/);
  });
});
