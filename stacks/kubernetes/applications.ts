/** What stands between a participant of a stack and its applications. */
import { type Output, output, type Resource, secret } from "@pulumi/pulumi";
import type { ApplicationPeer } from "@pulumi-canton/components/participant/application/application-policies.ts";
import {
  type ApplicationDatabase,
  ApplicationStack,
  type ApplicationStackArgs,
} from "@pulumi-canton/components/participant/application/application-stack.ts";
import type { Participant } from "@pulumi-canton/components/participant/participant.ts";
import type { Peer } from "@pulumi-canton/components/platform/kubernetes/network-plan.ts";
import { accessTo, endpointOf } from "@pulumi-canton/components/platform/platform.ts";
import type { ApplicationsConfig } from "./applications-config.ts";
import type { ChosenPlatform } from "./platform.ts";

/** Makes them; gives back their URLs in the cluster. */
export function makeApplications(
  name: string,
  participant: Participant,
  config: ApplicationsConfig,
  chosen: ChosenPlatform,
): Output<Readonly<Record<string, string>>> {
  const { platform, deployment, namespace, outside } = chosen;
  const { jsonApi, triggerService, oauth2Middleware } = config;
  const ready: Resource[] = [platform, participant.node.resource];
  const store = (program: string): ApplicationDatabase => {
    const { database, login } = makeStore(program, chosen);
    ready.push(database);
    return { server: chosen.databases, login };
  };
  const args: ApplicationStackArgs = {
    deployment,
    namespace,
    participant: {
      name,
      ledgerApi: endpointOf(participant.node, "ledgerApi").apply(({ address, port }) => ({ address, port })),
      authorities: authoritiesOf(participant),
    },
    externalUrl: config.externalUrl,
    ingress: peersOf(outside.ingress),
    monitoring: peersOf(outside.monitoring),
    databases: peersOf(outside.databases.map(({ peer }) => peer)),
    https: config.https ?? peersOf(outside.https),
    ...(jsonApi && {
      jsonApi: { ...programOf(jsonApi), ...(jsonApi.queryStore && { queryStore: store("json-api") }) },
    }),
    ...(triggerService && {
      triggerService: {
        ...programOf(triggerService),
        dars: triggerService.dars,
        ...(triggerService.store && { store: store("trigger-service") }),
      },
    }),
    ...(oauth2Middleware && {
      oauth2Middleware: {
        ...programOf(oauth2Middleware),
        provider: oauth2Middleware.provider,
        clientId: oauth2Middleware.clientId,
        clientSecret: secret(oauth2Middleware.clientSecret),
      },
    }),
  };
  return new ApplicationStack(`${name}-applications`, args, { providers: [platform.provider], dependsOn: ready }).urls;
}

/** PEM of the authorities of a participant's certificate. */
export function authoritiesOf({ node }: Participant): Output<string> {
  return accessTo(node, "ledgerApi").apply(({ tls }) => tls?.ca ?? "");
}

/** A database on the server of nodes, with a login of the program's name. */
function makeStore(program: string, { platform, databases }: ChosenPlatform) {
  const { resource: database } = platform.database(program, { purpose: `${program}'s own` }, {});
  const login = secret(
    output(databases).apply(({ logins }) => {
      const own = logins[program];
      if (own === undefined) throw new Error(`there is no login for ${program}`);
      return own;
    }),
  );
  return { database, login };
}

type ProgramConfig = Pick<NonNullable<ApplicationsConfig["jsonApi"]>, "image" | "replicas" | "memoryMiB">;

function programOf({ image, replicas, memoryMiB }: ProgramConfig) {
  return { image, replicas, memoryMiB };
}

/** Namespaces as a whole, where some pods of them are meant. */
function peersOf(peers: readonly Peer[]): ApplicationPeer[] {
  const known = new Map(
    peers.map((peer) => {
      const plain = "cidr" in peer ? { cidr: peer.cidr } : { namespace: peer.namespace };
      return [JSON.stringify(plain), plain] as const;
    }),
  );
  return [...known.values()];
}
