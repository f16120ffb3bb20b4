import { LogGroup } from "@pulumi/aws/cloudwatch/logGroup.js";
import { IpSet } from "@pulumi/aws/wafv2/ipSet.js";
import { WebAcl } from "@pulumi/aws/wafv2/webAcl.js";
import { WebAclLoggingConfiguration } from "@pulumi/aws/wafv2/webAclLoggingConfiguration.js";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";

/** Arguments of an `AwsWaf`. */
export interface AwsWafArgs {
  readonly deployment: Deployment;
  /** Whose requests are looked at, in CIDR notation; all others are refused. At least one. Example: `["203.0.113.0/24"]`. */
  readonly allowedRanges: readonly string[];
  /** Requests that one address may send in 5 minutes; 10 to 2,000,000,000. Default: 10,000. */
  readonly rateLimit?: number;
  /** Days for which refused requests are kept; one of the numbers that CloudWatch Logs takes. */
  readonly logDays: number;
  /** ARN of the key that encrypts the log. */
  readonly key: Input<string>;
}

/**
 * A web ACL for an application load balancer: refuses who is not on the allow-list, who asks too often, and what the rules that
 * AWS maintains know as an attack. A network load balancer cannot have one: it does not look into connections.
 *
 * Resources: 5.
 *
 * Cost: about 10 USD a month, and 0.60 USD for a million requests.
 */
export class AwsWaf extends ComponentResource {
  /** ARN of the web ACL, for an `AwsLoadBalancer`. */
  declare readonly arn: Output<string>;

  constructor(name: string, args: AwsWafArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:network:AwsWaf", name, {}, options);
    const { allowedRanges, rateLimit = 10_000 } = args;
    if (allowedRanges.length === 0) throw new Error("allowedRanges: got none; expected who may send requests");
    if (!(rateLimit >= 10 && rateLimit <= 2_000_000_000)) {
      throw new Error(`rateLimit: got ${rateLimit}; expected 10 to 2000000000 requests in 5 minutes`);
    }
    const parent = { parent: this };
    const tags = { ...tagsOf(args.deployment), Name: name };
    const allowed = new IpSet(
      name,
      { scope: "REGIONAL", ipAddressVersion: "IPV4", addresses: [...allowedRanges], tags },
      parent,
    );
    const seen = (rule: string) => ({
      cloudwatchMetricsEnabled: true,
      metricName: `${name}-${rule}`,
      sampledRequestsEnabled: true,
    });
    const acl = new WebAcl(
      name,
      {
        scope: "REGIONAL",
        defaultAction: { allow: {} },
        rules: [
          {
            name: "allow-list",
            priority: 0,
            action: { block: {} },
            statement: { notStatement: { statement: { ipSetReferenceStatement: { arn: allowed.arn } } } },
            visibilityConfig: seen("allow-list"),
          },
          {
            name: "rate",
            priority: 1,
            action: { block: {} },
            statement: { rateBasedStatement: { limit: rateLimit, evaluationWindowSec: 300, aggregateKeyType: "IP" } },
            visibilityConfig: seen("rate"),
          },
          ...managedRules.map(({ group, counted = [] }, index) => ({
            name: group,
            priority: 2 + index,
            overrideAction: { none: {} },
            statement: {
              managedRuleGroupStatement: {
                vendorName: "AWS",
                name: group,
                ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
              },
            },
            visibilityConfig: seen(group),
          })),
        ],
        visibilityConfig: seen("all"),
        tags,
      },
      parent,
    );
    // The service takes only logs whose names start so.
    const log = new LogGroup(
      name,
      { name: `aws-waf-logs-${name}`, retentionInDays: args.logDays, kmsKeyId: args.key, tags },
      parent,
    );
    new WebAclLoggingConfiguration(
      name,
      {
        resourceArn: acl.arn,
        logDestinationConfigs: [log.arn],
        redactedFields: [{ singleHeader: { name: "authorization" } }],
        loggingFilter: {
          defaultBehavior: "DROP",
          filters: [
            {
              behavior: "KEEP",
              requirement: "MEETS_ANY",
              conditions: [{ actionCondition: { action: "BLOCK" } }, { actionCondition: { action: "COUNT" } }],
            },
          ],
        },
      },
      parent,
    );
    this.arn = acl.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

/** Groups of rules that AWS maintains. DARs and contracts are larger than the bodies of web forms: that rule only counts. */
const managedRules: readonly { readonly group: string; readonly counted?: readonly string[] }[] = [
  { group: "AWSManagedRulesAmazonIpReputationList" },
  { group: "AWSManagedRulesKnownBadInputsRuleSet" },
  { group: "AWSManagedRulesCommonRuleSet", counted: ["SizeRestrictions_BODY"] },
];
