/** What stands between a participant of a stack and its applications. */
import { all, type Output, output, type Resource, secret } from "@pulumi/pulumi";
import type { ApplicationPeer } from "@pulumi-canton/components/participant/application/application-policies.ts";
import {
  type ApplicationDatabase,
  ApplicationStack,
  type ApplicationStackArgs,
} from "@pulumi-canton/components/participant/application/application-stack.ts";
import { programNames } from "@pulumi-canton/components/participant/application/services.ts";
import type { Participant } from "@pulumi-canton/components/participant/participant.ts";
import type { Peer } from "@pulumi-canton/components/platform/kubernetes/network-plan.ts";
import { accessTo, endpointOf } from "@pulumi-canton/components/platform/platform.ts";
import { type ApplicationsConfig, type PlannedApplications, providerOf, templatesOf } from "./applications-config.ts";
import type { ChosenPlatform } from "./platform.ts";

/** Makes those of all participants that have some; gives back the programs' URLs in the cluster. */
export function makeApplications(
  planned: readonly PlannedApplications[],
  participants: ReadonlyMap<string, Participant>,
  chosen: ChosenPlatform,
): Output<Readonly<Record<string, string>>> {
  const urls = planned.map((each) => makeStack(each, participants.get(each.participant) as Participant, chosen).urls);
  return all(urls).apply((known): Readonly<Record<string, string>> => Object.assign({}, ...known));
}

function makeStack(
  { participant: name, applications: config, prefix }: PlannedApplications,
  participant: Participant,
  chosen: ChosenPlatform,
): ApplicationStack {
  const { platform, deployment, namespace, outside } = chosen;
  const { jsonApi, triggerService, oauth2Middleware } = config;
  const provider = oauth2Middleware && providerOf(oauth2Middleware, chosen.infrastructure);
  const ready: Resource[] = [platform, participant.node.resource];
  const store = (program: keyof typeof programNames): ApplicationDatabase => {
    const { database, login } = makeStore(`${prefix}${programNames[program]}`, chosen);
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
    prefix,
    externalUrl: config.externalUrl,
    ingress: peersOf(outside.ingress),
    monitoring: peersOf(outside.monitoring),
    databases: peersOf(outside.databases.map(({ peer }) => peer)),
    https: config.https ?? peersOf(outside.https),
    ...(jsonApi && {
      jsonApi: { ...programOf(jsonApi), ...(jsonApi.queryStore && { queryStore: store("jsonApi") }) },
    }),
    ...(triggerService && {
      triggerService: {
        ...programOf(triggerService),
        dars: triggerService.dars,
        ...(triggerService.store && { store: store("triggerService") }),
      },
    }),
    ...(oauth2Middleware &&
      provider && {
        oauth2Middleware: {
          ...programOf(oauth2Middleware),
          provider,
          clientId: oauth2Middleware.clientId,
          clientSecret: secret(oauth2Middleware.clientSecret),
          templates: templatesOf(oauth2Middleware, provider),
        },
      }),
  };
  return new ApplicationStack(`${name}-applications`, args, { providers: [platform.provider], dependsOn: ready });
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
export function peersOf(peers: readonly Peer[]): ApplicationPeer[] {
  const known = new Map(
    peers.map((peer) => {
      const plain = "cidr" in peer ? { cidr: peer.cidr } : { namespace: peer.namespace };
      return [JSON.stringify(plain), plain] as const;
    }),
  );
  return [...known.values()];
}
