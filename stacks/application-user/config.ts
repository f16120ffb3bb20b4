/** The configuration of an application user's stack: what is accepted, and what is understood when a key is left out. */
import { pinnedTermsSchema } from "@pulumi-canton/domain-manager/invitation/invitation.ts";
import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";
import { nameProblems, participantSchema, portProblems, portsSchema, refuseProblems } from "../config/nodes.ts";

/** All keys of the stack's configuration. */
export const applicationUserSchema = z.strictObject({
  /** What the owner of the domain gave out. Left out: the participants run and have their ids, and are on no domain. */
  invitation: z
    .union(
      [z.string().min(1), z.record(z.string(), z.unknown())],
      "expected the JSON that the owner of the domain gave out",
    )
    .transform((given) => (typeof given === "string" ? given : JSON.stringify(given)))
    .optional(),
  /** Id of the domain, learnt on another way than the invitation: one to another domain is refused. */
  domainId: z
    .string()
    .regex(/^[^:]+::[0-9a-f]+$/, "expected the id of a domain, alias::1220…")
    .optional(),
  /** What this organisation calls the domain. Default: what its owner calls it. */
  domainAlias: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,185}$/, "expected 1 to 185 letters, digits, - or _")
    .optional(),
  /** The domain's terms of service, once somebody has read them. */
  termsOfService: pinnedTermsSchema.optional(),
  participants: z.array(participantSchema).prefault([{ name: "carol", parties: ["Carol"] }]),
  /** Has every gRPC API speak TLS, with certificates of an authority that the stack makes. */
  tls: z.boolean().default(false),
  /** Port numbers by node and port, for those that must not be chosen; `postgres` takes a number. */
  ports: portsSchema,
});

/** The configuration of an application user's stack, checked and complete. */
export type ApplicationUserConfig = z.output<typeof applicationUserSchema>;

/**
 * Checks the configuration of an application user's stack.
 *
 * @param given what the configuration file has; keys that it leaves out get their defaults
 * @throws ConfigError with every problem: its key, its value, and what is accepted
 */
export function checkApplicationUserConfig(given: Readonly<Record<string, unknown>>): ApplicationUserConfig {
  const config = checkConfig(applicationUserSchema, given);
  const names = config.participants.map(({ name }) => name);
  refuseProblems([
    ...nameProblems(config.participants, ["postgres", "supervisor"]),
    ...portProblems(config.ports, names),
  ]);
  return config;
}

/** What whoever is refused is to do: the owner of the domain has to know the participant's id. Pure. */
export function requestLines(participantId: string): string {
  return [
    "Send this id to the owner of the domain, whose stack admits it with these lines, then run the update again:",
    "",
    "  pulumi-canton:allowList:",
    `    - participant: ${participantId}`,
    "      permission: Submission",
  ].join("\n");
}
