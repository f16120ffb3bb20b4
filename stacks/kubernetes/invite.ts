/** From the section `domain.invitation` of `kubernetes` to an invitation. */
import type { Domain } from "@pulumi-canton/components/domain/domain.ts";
import type { Invitation } from "@pulumi-canton/components/invitation/invitation.ts";
import type { SequencerToDial } from "@pulumi-canton/components/topology/domain-connection/steps.ts";
import type { KubernetesConfig } from "./config.ts";

/**
 * Gives out an invitation, where the configuration asks for one: to the sequencers that it names, to those behind routes and the
 * reverse proxy, or to the Services of all, which others in the same cluster reach.
 */
export function invite(
  domain: Domain,
  { domain: section, routes, reverseProxy }: KubernetesConfig,
): Invitation | undefined {
  if (section?.invitation === undefined) return undefined;
  const { validDays, sequencers } = section.invitation;
  const hosts = [...(routes?.sequencers ?? []), ...(reverseProxy ? [reverseProxy] : [])].map(({ host }) => host);
  return domain.invite("invitation", {
    validDays,
    ...(sequencers !== undefined && { sequencers: sequencers as SequencerToDial[] }),
    ...(sequencers === undefined && hosts.length > 0 && { sequencers: domain.sequencers.apply(behind(hosts)) }),
  });
}

/** TLS goes through a route: the authorities to trust are those of the sequencers, and they all have the same. */
function behind(hosts: readonly string[]): (sequencers: readonly SequencerToDial[]) => SequencerToDial[] {
  return ([sequencer]) =>
    hosts.map((host) => ({
      alias: host,
      url: `https://${host}:443`,
      ...(sequencer?.ca !== undefined && { ca: sequencer.ca }),
    }));
}
