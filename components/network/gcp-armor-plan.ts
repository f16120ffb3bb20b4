/** The rules of Cloud Armor. Pure. */

/** Google's rule sets against what attackers try; each is one rule. */
export const armorRuleSets = [
  "sqli",
  "xss",
  "lfi",
  "rfi",
  "rce",
  "methodenforcement",
  "scannerdetection",
  "protocolattack",
  "sessionfixation",
] as const;
/** One of {@link armorRuleSets}. */
export type ArmorRuleSet = (typeof armorRuleSets)[number];

/** Who may come, how often, and what is looked for. */
export interface ArmorPlan {
  /** Who may come, in CIDR notation. Example: `["203.0.113.0/24"]`. */
  readonly allowedRanges: readonly string[];
  /** Requests of one address in a minute; 0 for any number. Default: 6000. */
  readonly requestsPerMinute?: number;
  /** What is looked for. `methodenforcement` refuses what is not GET, HEAD, POST or OPTIONS. Default: all of them. */
  readonly ruleSets?: readonly ArmorRuleSet[];
}

/** A rule, as a policy takes it. */
export interface ArmorRule {
  readonly priority: number;
  readonly action: string;
  readonly description: string;
  readonly match: {
    readonly versionedExpr?: string;
    readonly config?: { readonly srcIpRanges: string[] };
    readonly expr?: { readonly expression: string };
  };
  readonly rateLimitOptions?: {
    readonly conformAction: string;
    readonly exceedAction: string;
    readonly enforceOnKey: string;
    readonly rateLimitThreshold: { readonly count: number; readonly intervalSec: number };
  };
}

/** Most ranges that one rule takes. */
const rangesInRule = 10;
/** The rule that applies when no other does. */
const lastPriority = 2_147_483_647;

/**
 * The rules, by priority: attacks are refused, whoever they come from; then those on the list come in; nobody else.
 *
 * @throws Error when nobody is on the list, or a rate makes no sense
 */
export function planArmor({
  allowedRanges,
  requestsPerMinute = 6_000,
  ruleSets = armorRuleSets,
}: ArmorPlan): ArmorRule[] {
  if (allowedRanges.length === 0) throw new Error("allowedRanges: got none; expected those who may come");
  if (!Number.isInteger(requestsPerMinute) || requestsPerMinute < 0) {
    throw new Error(
      `requestsPerMinute: got ${requestsPerMinute}; expected a whole number, 0 for any number of requests`,
    );
  }
  const attacks = ruleSets.map((ruleSet, index) => ({
    priority: 1_000 + index,
    action: "deny(403)",
    description: `looks like an attack: ${ruleSet}`,
    match: { expr: { expression: `evaluatePreconfiguredWaf('${ruleSet}-v33-stable', {'sensitivity': 1})` } },
  }));
  const groups = Array.from({ length: Math.ceil(allowedRanges.length / rangesInRule) }, (_, index) =>
    allowedRanges.slice(index * rangesInRule, (index + 1) * rangesInRule),
  );
  const listed = groups.map((srcIpRanges, index) => ({
    priority: 2_000 + index,
    description: "on the allow-list",
    match: { versionedExpr: "SRC_IPS_V1", config: { srcIpRanges } },
    ...(requestsPerMinute === 0
      ? { action: "allow" }
      : {
          action: "throttle",
          rateLimitOptions: {
            conformAction: "allow",
            exceedAction: "deny(429)",
            enforceOnKey: "IP",
            rateLimitThreshold: { count: requestsPerMinute, intervalSec: 60 },
          },
        }),
  }));
  const others = {
    priority: lastPriority,
    action: "deny(403)",
    description: "everybody else",
    match: { versionedExpr: "SRC_IPS_V1", config: { srcIpRanges: ["*"] } },
  };
  return [...attacks, ...listed, others];
}
