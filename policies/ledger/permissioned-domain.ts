import { isOneOf, must, policy, wants } from "../policy.ts";

const expected = '"permissioned": an open domain takes in every participant that finds it';
const permissioned = isOneOf("permissioned");

/** Only participants on the allow-list come onto a domain. */
export const permissionedDomain = policy({
  name: "permissioned-domain",
  description: "In production a domain only takes in participants on its allow-list.",
  severity: "critical",
  appliesIn: "production",
  rules: {
    "pulumi-nodejs:dynamic/local:Node": [
      must(
        "config.domain.onboarding.policy",
        expected,
        permissioned,
        ({ program }) => !String(program).includes("domain-manager"),
      ),
    ],
  },
  stack: (resources) =>
    resources
      .filter(({ type }) => type === "pulumi-canton:domain:Domain")
      .flatMap(({ urn, props }) => wants(props, "policy", expected, permissioned).map((message) => ({ urn, message }))),
});
