/** Policies of AWS as they are written in every component. Pure. */

/** An account in a region. */
export interface AwsPlace {
  /** 12 digits. */
  readonly account: string;
  /** Example: `"eu-central-1"`. */
  readonly region: string;
}

/** A statement of a policy. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, string | readonly string[]>>;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A policy as the text that AWS takes. */
export function policyOf(...statements: readonly Statement[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** The policy of a role that a service of AWS takes on, for resources of this account only. */
export function trustOfService(service: string, account?: string): string {
  return policyOf({
    Effect: "Allow",
    Principal: { Service: service },
    Action: "sts:AssumeRole",
    ...(account !== undefined && { Condition: { StringEquals: { "aws:SourceAccount": account } } }),
  });
}

/** Which of AWS's separate clouds a region is in. That of China names its services differently and is not among them. */
export function partitionOf(region: string): "aws" | "aws-us-gov" {
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/**
 * Name of a resource of this account and region.
 *
 * @param resource what the service calls it. Example: `"log-group:/aws/eks/canton/cluster"`
 */
export function arnOf({ account, region }: AwsPlace, service: string, resource: string): string {
  return `arn:${partitionOf(region)}:${service}:${region}:${account}:${resource}`;
}

/** ARN of a policy that AWS itself maintains. */
export function managedPolicy(region: string, policy: string): string {
  return `arn:${partitionOf(region)}:iam::aws:policy/${policy}`;
}
