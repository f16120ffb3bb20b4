/** Inputs whose name says that they are secrets, and that are none for the engine: they would stand in the state in the clear. Pure. */
import { exemption } from "@pulumi-canton/policies/policy.ts";
import { namesSecret } from "@pulumi-canton/policies/workloads/secret-values.ts";
import { exemptionsOf, levelOf, type PolicySettings, secretInputsPolicy } from "../policy-pack/settings.ts";
import { isSecret, isUnknown, type PlannedResource, type Properties, type Violation } from "./events.ts";

/** Violations of the policy `secret-inputs`. It is asked here, as the engine does not tell a policy pack what is a secret. */
export function secretInputs(resources: readonly PlannedResource[], settings: PolicySettings): Violation[] {
  const exemptions = exemptionsOf(settings, secretInputsPolicy);
  return resources.flatMap(({ type, name, fate, after }) => {
    const { exempt, note } = exemption(exemptions, name);
    if (fate === "delete" || after === undefined || exempt) return [];
    return plainSecrets(after, "").map((path) => ({
      policy: secretInputsPolicy,
      level: levelOf(settings, secretInputsPolicy),
      severity: "critical",
      description: "Inputs that are secrets are secrets for the engine too.",
      message: `${path}: a plain value, which the state would hold in the clear; expected a secret, as from config.requireSecret${note}`,
      type,
      name,
    }));
  });
}

function plainSecrets(value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null || isSecret(value)) return [];
  return Object.entries(value as Properties).flatMap(([key, inner]) => {
    const own = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    const plain = typeof inner === "string" && inner !== "" && !isUnknown(inner);
    return plain && namesSecret(key) ? [own] : plainSecrets(inner, own);
  });
}
