/** The policy pack, as the engine runs it (`--policy-pack policies`). See docs/policies.md. */
import { PolicyPack } from "@pulumi/policy";
import { allPolicies } from "./all-policies.ts";

new PolicyPack("pulumi-canton", { policies: [...allPolicies], enforcementLevel: "mandatory" });
