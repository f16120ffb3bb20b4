/**
 * A permissioned Canton domain and its participants on this machine: domain owner `bob` and application user `alice` by
 * default, each with a participant. Configured by `Pulumi.local.yaml`; see docs/local-stack.md.
 */
import { join, resolve } from "node:path";
import { Domain } from "@pulumi-canton/components/domain/domain.ts";
import { Participant } from "@pulumi-canton/components/participant/participant.ts";
import { LocalPlatform } from "@pulumi-canton/components/platform/local/local-platform.ts";
import { refuseParameters, setParameters, takePart, termsIn } from "./config/membership.ts";
import { portsOf } from "./config/nodes.ts";
import { eachStanding, readConfig, standing } from "./config/read-config.ts";
import { checkLocalConfig } from "./local/config.ts";

/** Brings up what the stack's configuration says; gives back the stack's outputs. */
export default async function local(): Promise<Record<string, unknown>> {
  const config = readConfig(checkLocalConfig);
  await refuseParameters(config.domain.parameters);
  const termsOfService = config.domain.termsOfService && termsIn(config.domain.termsOfService);
  const home = resolve(process.env["CANTON_HOME"] ?? join(import.meta.dirname, "..", ".canton"));
  const platform = new LocalPlatform("local", { home, tls: config.tls, ports: portsOf(config.ports) });

  const { alias, sequencers, policy, initialisation } = config.domain;
  const domain = new Domain(alias, {
    platform,
    alias,
    sequencers,
    policy,
    initialisation,
    ...(termsOfService && { termsOfService }),
  });
  setParameters(domain, config.domain.parameters);
  const invitation = config.invitation && domain.invite("invitation", config.invitation);

  const participants = new Map(
    config.participants.map(
      ({ name, initialisation }) => [name, new Participant(name, { platform, initialisation })] as const,
    ),
  );
  const parties = takePart(domain, participants, config);

  return {
    domain: {
      id: standing(domain.domainId),
      alias,
      sequencers: standing(domain.sequencers.apply((all) => all.map(({ url }) => url))),
      policy,
    },
    nodes: eachStanding(Object.assign({}, domain.nodes, ...[...participants.values()].map(({ nodes }) => nodes))),
    parties: eachStanding(parties),
    ...(invitation && { invitation: standing(invitation.invitation.apply((text) => JSON.parse(text))) }),
    console: "./scripts/console",
  };
}
