/** Who may do what with a key of AWS KMS. Pure. */
import { type AwsPlace, arnOf, partitionOf, type Statement } from "./aws-policy.ts";

/** What the account may do with a key whose use is not its business: all but using it. */
const administration = [
  "kms:CancelKeyDeletion",
  "kms:Create*",
  "kms:Delete*",
  "kms:Describe*",
  "kms:Disable*",
  "kms:Enable*",
  "kms:Get*",
  "kms:List*",
  "kms:Put*",
  "kms:ReplicateKey",
  "kms:Revoke*",
  "kms:RotateKeyOnDemand",
  "kms:ScheduleKeyDeletion",
  "kms:TagResource",
  "kms:UntagResource",
  "kms:Update*",
];

/** Services that encrypt with the data key on behalf of whoever uses them. */
const services = ["backup", "ec2", "eks", "rds", "s3", "secretsmanager"];

function account(place: AwsPlace): string {
  return `arn:${partitionOf(place.region)}:iam::${place.account}:root`;
}

/**
 * The policy of the key that encrypts disks, databases, buckets, secrets and logs: the account's own policies say who may use it
 * directly; services may, for resources of this account; CloudWatch Logs may, for log groups of this account.
 */
export function dataKeyStatements(place: AwsPlace): readonly Statement[] {
  const use = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
  const byService = {
    "kms:CallerAccount": place.account,
    "kms:ViaService": services.map((service) => `${service}.${place.region}.amazonaws.com`),
  };
  // Whoever asks is known by the service; the auto scaling of nodes asks as a role that may not be there yet.
  const anybody = { AWS: "*" };
  return [
    { Sid: "Account", Effect: "Allow", Principal: { AWS: account(place) }, Action: "kms:*", Resource: "*" },
    {
      Sid: "Services",
      Effect: "Allow",
      Principal: anybody,
      Action: use,
      Resource: "*",
      Condition: { StringEquals: byService },
    },
    {
      Sid: "ServicesLater",
      Effect: "Allow",
      Principal: anybody,
      Action: "kms:CreateGrant",
      Resource: "*",
      Condition: { StringEquals: byService, Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
    {
      Sid: "Logs",
      Effect: "Allow",
      Principal: { Service: `logs.${place.region}.amazonaws.com` },
      Action: use,
      Resource: "*",
      Condition: { ArnLike: { "kms:EncryptionContext:aws:logs:arn": arnOf(place, "logs", "log-group:*") } },
    },
  ];
}

/**
 * The policy of the key that wraps the nodes' private keys: the nodes' role may use it, and only as the nodes do; the account
 * may administer it but not use it.
 *
 * @param role ARN of the role that the nodes take on
 */
export function nodeKeyStatements(place: AwsPlace, role: string): readonly Statement[] {
  return [
    {
      Sid: "Administration",
      Effect: "Allow",
      Principal: { AWS: account(place) },
      Action: administration,
      Resource: "*",
    },
    {
      Sid: "Nodes",
      Effect: "Allow",
      Principal: { AWS: role },
      Action: ["kms:Encrypt", "kms:Decrypt"],
      Resource: "*",
      Condition: {
        StringEquals: {
          "kms:EncryptionContext:application": "pulumi-canton",
          "kms:EncryptionContext:purpose": "private-keys",
        },
      },
    },
    { Sid: "NodesDescribe", Effect: "Allow", Principal: { AWS: role }, Action: "kms:DescribeKey", Resource: "*" },
  ];
}
