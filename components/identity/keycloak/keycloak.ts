import { Deployment as AppsDeployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  output,
  secret,
  unsecret,
} from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import type { DatabaseLogin, DatabaseServerState } from "../../database/database-server.ts";
import { type Deployment, tagsOf } from "../../deployment/deployment.ts";
import type { ApplicationPeer } from "../../participant/application/application-policies.ts";
import { revisionOf } from "../../platform/kubernetes/revision.ts";
import type { OidcProvider } from "../oidc-provider.ts";
import {
  bootstrapAdmin,
  keycloakBudget,
  keycloakDeployment,
  keycloakMetadata,
  keycloakPolicy,
  keycloakPorts,
  keycloakService,
  secretVariables,
} from "./keycloak-plan.ts";
import { type RealmPlan, realmFile, realmProblems, secretVariable } from "./realm.ts";

/** Arguments of a `Keycloak`. */
export interface KeycloakArgs {
  readonly deployment: Deployment;
  /** Namespace that it runs in: that of the nodes, or one of its own whose network is closed likewise. Example: `"canton-prod"`. */
  readonly namespace: string;
  /**
   * Image of Keycloak 26.4 or later, whose entry point is `kc.sh` in `/opt/keycloak`. Pin it by digest in production.
   * Example: `"quay.io/keycloak/keycloak:26.4.0@sha256:…"`.
   */
  readonly image: string;
  /**
   * The image was built (`kc.sh build`) for PostgreSQL, health, metrics and the cache stack `jdbc-ping`: pods start within
   * seconds. False: each pod builds it when it starts, which takes half a minute of a CPU. Default: false.
   */
  readonly optimized?: boolean;
  /** Pods, 1 to 9. Default: 2. */
  readonly replicas?: number;
  /** Memory of a pod in MiB. Default: 1536. */
  readonly memoryMiB?: number;
  /** URL by which browsers and participants reach it, through the ingress. Example: `"https://login.example.com"`. */
  readonly url: string;
  /** A login of a server, whose database is there already (`platform.database`). The server has to speak TLS. */
  readonly database: {
    readonly server: Input<Pick<DatabaseServerState, "host" | "port" | "caPem" | "tls">>;
    readonly login: Input<DatabaseLogin>;
  };
  /** The realm that it begins with. Later changes of it are made in Keycloak: an import leaves a realm that is there alone. */
  readonly realm: RealmPlan;
  /** Who reaches it: the ingress. */
  readonly ingress: readonly ApplicationPeer[];
  /** Who reads metrics. Default: nobody. */
  readonly monitoring?: readonly ApplicationPeer[];
  /** Where its database server is. */
  readonly databases: readonly { readonly peer: ApplicationPeer; readonly port: number }[];
  /** Other providers of logins that it asks, as the network sees them. Default: none. */
  readonly https?: readonly ApplicationPeer[];
}

/**
 * Keycloak, for those who have no OIDC provider: two pods over one database, with a realm that has a client for people and one for
 * each program. `provider` and `clientSecrets` are what `ApplicationStack` and the participant's `auth` take. Users are made in
 * Keycloak, by an administrator: log in as `bootstrap-admin`, make an administrator of your own, and delete the first.
 *
 * Resources: 8, and 1 for each client of the realm.
 *
 * Cost: two pods take 3 GiB of memory: half a machine of a cluster, 40 to 60 USD a month.
 */
export class Keycloak extends ComponentResource {
  /** What a participant's `auth` and applications have to know of it. */
  readonly provider: OidcProvider;
  /** Secrets by client id. Secret. */
  declare readonly clientSecrets: Output<Readonly<Record<string, string>>>;
  /** The first administrator. Secret. */
  declare readonly administrator: Output<{ readonly user: string; readonly password: string }>;
  /** URL in the cluster, for the ingress. Example: `"http://login.canton-prod.svc:8080"`. */
  declare readonly serviceUrl: Output<string>;

  constructor(name: string, args: KeycloakArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:identity:Keycloak", name, {}, options);
    refuse(args);
    const { deployment, namespace, image, url, realm, optimized = false, replicas = 2, memoryMiB = 1536 } = args;
    const parent = { parent: this };
    const plan = { name, namespace, labels: tagsOf(deployment) };
    const metadata = keycloakMetadata(plan);
    const clients = [realm.client, ...realm.services];

    const adminPassword = this.#password(`${name}-admin`);
    const clientSecrets = secret(
      all(Object.fromEntries(clients.map((client) => [client, this.#password(`${name}-${client}`)]))),
    );
    const database = this.#database(args);
    const files = database.apply(({ caPem }) => ({
      "realm.json": `${JSON.stringify(realmFile(realm), null, 2)}\n`,
      ...(caPem !== undefined && { "database.crt": caPem }),
    }));
    const secrets = secret(
      all([args.database.login, adminPassword, clientSecrets]).apply(([{ password }, admin, ofClients]) => ({
        [secretVariables.databasePassword]: password,
        [secretVariables.adminPassword]: admin,
        ...Object.fromEntries(clients.map((client) => [secretVariable(client), ofClients[client] ?? ""])),
      })),
    );

    const config = new ConfigMap(name, { metadata, data: files }, parent);
    const hidden = new Secret(name, { metadata, type: "Opaque", stringData: secrets }, parent);
    const allowed = new NetworkPolicy(name, keycloakPolicy(plan, { monitoring: [], https: [], ...args }), parent);
    const revision = unsecret(all([files, secrets]).apply(([read, kept]) => revisionOf(read, kept, "keycloak")));
    new AppsDeployment(
      name,
      keycloakDeployment({ ...plan, image, optimized, replicas, memoryMiB, revision, url, database, clients }),
      { ...parent, dependsOn: [config, hidden, allowed] },
    );
    new Service(name, keycloakService(plan), parent);
    new PodDisruptionBudget(name, keycloakBudget(plan), parent);

    this.provider = providerAt(url, realm.realm);
    this.clientSecrets = clientSecrets;
    this.administrator = secret(adminPassword.apply((password) => ({ user: bootstrapAdmin, password })));
    this.serviceUrl = output(`http://${name}.${namespace}.svc:${keycloakPorts.http}`);
    this.registerOutputs({
      provider: this.provider,
      clientSecrets: this.clientSecrets,
      administrator: this.administrator,
      serviceUrl: this.serviceUrl,
    });
  }

  #password(name: string): Output<string> {
    return new RandomPassword(name, { length: 40, special: false }, { parent: this }).result;
  }

  /** Where its database is; that is no secret, the password is. */
  #database({ database: { server, login } }: KeycloakArgs) {
    return unsecret(
      all([server, login]).apply(([{ host, port, caPem, tls }, { database, user }]) => {
        if (tls === false) throw new Error("database.server: speaks without TLS; expected a server with TLS");
        return { host, port, database, user, caPem, ownAuthority: caPem !== undefined };
      }),
    );
  }
}

/** The addresses of a realm of Keycloak. Pure. */
export function providerAt(url: string, realm: string) {
  const issuer = `${url}/realms/${realm}`;
  const protocol = `${issuer}/protocol/openid-connect`;
  return {
    issuer,
    jwksUri: `${protocol}/certs`,
    authorizationEndpoint: `${protocol}/auth`,
    tokenEndpoint: `${protocol}/token`,
  } satisfies OidcProvider;
}

function refuse({ url, realm, replicas = 2, memoryMiB = 1536, image, deployment }: KeycloakArgs): void {
  const problems = [
    ...(/^https:\/\/[^/?#\s]+$/.test(url) ? [] : [`url: got "${url}"; expected https://HOST, without a path`]),
    ...(Number.isInteger(replicas) && replicas >= 1 && replicas <= 9
      ? []
      : [`replicas: got ${replicas}; expected 1 to 9 pods`]),
    ...(Number.isInteger(memoryMiB) && memoryMiB >= 1024
      ? []
      : [`memoryMiB: got ${memoryMiB}; expected 1024 or more, which Keycloak needs to start`]),
    ...(deployment.environment !== "production" || /@sha256:[0-9a-f]{64}$/.test(image)
      ? []
      : [`image: got "${image}"; expected an image by its digest in production, such as "registry/name@sha256:…"`]),
    ...realmProblems(realm).map((problem) => `realm.${problem}`),
  ];
  if (problems.length > 0) throw new Error(problems.join("\n"));
}
