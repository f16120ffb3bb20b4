import { Deployment as AppsDeployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  output,
  secret,
  unsecret,
} from "@pulumi/pulumi";
import type { DatabaseLogin, DatabaseServerState } from "../../database/database-server.ts";
import { type Deployment, tagsOf } from "../../deployment/deployment.ts";
import type { OidcProvider } from "../../identity/oidc-provider.ts";
import { revisionOf } from "../../platform/kubernetes/revision.ts";
import {
  type ApplicationProgram,
  applicationBudget,
  applicationDeployment,
  applicationLabels,
  applicationService,
} from "./application-pods.ts";
import { type ApplicationPeer, type ApplicationTraffic, applicationPolicies } from "./application-policies.ts";
import { type RequestTemplates, templateFiles } from "./request-templates.ts";
import {
  applicationPorts,
  jsonApiConfig,
  type LedgerApi,
  oauth2MiddlewareConfig,
  programNames,
  type Store,
  triggerServiceConfig,
} from "./services.ts";

/** A program of the stack. */
export interface ApplicationProgramArgs {
  /** Image whose entry point is the program; it is started with `--config FILE`. Pin it by digest in production. */
  readonly image: string;
  /** Pods, 1 to 9. Default: 2. */
  readonly replicas?: number;
  /** Memory of a pod in MiB. Default: 1024. */
  readonly memoryMiB?: number;
}

/** A database of the stack: a login of a server, that was made for it. */
export interface ApplicationDatabase {
  readonly server: Input<Pick<DatabaseServerState, "host" | "port" | "caPem">>;
  readonly login: Input<DatabaseLogin>;
}

/** Arguments of an `ApplicationStack`. */
export interface ApplicationStackArgs {
  readonly deployment: Deployment;
  /** Namespace of the participant. Example: `"canton-prod"`. */
  readonly namespace: string;
  /** The participant's node, its Ledger API and, as PEM, the authorities of its certificate. */
  readonly participant: {
    readonly name: string;
    readonly ledgerApi: Input<LedgerApi>;
    readonly authorities: Input<string>;
  };
  /** The HTTP JSON API, with a query store where one is given. Default: none. */
  readonly jsonApi?: ApplicationProgramArgs & { readonly queryStore?: ApplicationDatabase };
  /** The trigger service. `dars` are paths in its image. Needs `oauth2Middleware`. Default: none. */
  readonly triggerService?: ApplicationProgramArgs & {
    readonly dars?: readonly string[];
    readonly store?: ApplicationDatabase;
  };
  /**
   * Has users log in at an OIDC provider, as the client with this id and secret; `templates` are what it asks the provider with
   * instead of its own requests, see `keycloakTemplates`. Default: none.
   */
  readonly oauth2Middleware?: ApplicationProgramArgs & {
    readonly provider: OidcProvider;
    readonly clientId: Input<string>;
    readonly clientSecret: Input<string>;
    readonly templates?: RequestTemplates;
  };
  /** Put before the names of its programs, where a namespace has several stacks. Example: `"bob-"`. Default: nothing. */
  readonly prefix?: string;
  /** URL below which applications reach the programs, through the ingress. Example: `"https://app.example.com"`. */
  readonly externalUrl: string;
  /** Who reaches them: the ingress. */
  readonly ingress: readonly ApplicationPeer[];
  /** Who reads metrics. Default: nobody. */
  readonly monitoring?: readonly ApplicationPeer[];
  /** Where database servers are. Default: nowhere, for stacks without databases. */
  readonly databases?: readonly ApplicationPeer[];
  /** Where the OIDC provider is, as the network sees it. Default: nowhere. */
  readonly https?: readonly ApplicationPeer[];
}

/** Port of the database servers. */
const databasePort = 5432;

/** What a program of a stack is called. */
function nameIn({ prefix = "" }: ApplicationStackArgs, program: keyof typeof programNames): string {
  return `${prefix}${programNames[program]}`;
}

/** One program with all that it is made of. */
interface Planned {
  readonly key: keyof typeof programNames;
  readonly program: ApplicationProgramArgs;
  /** Files of its ConfigMap, and values of its Secret. */
  readonly files: Output<Record<string, string>>;
  readonly secrets: Output<Partial<Record<ApplicationProgram["secrets"][number], string>>>;
  readonly secretKeys: ApplicationProgram["secrets"];
  readonly initialiseWith?: string;
  readonly database: ApplicationDatabase | undefined;
  readonly traffic: Pick<ApplicationTraffic, "calledBy" | "calls" | "https"> & { readonly ledger: boolean };
}

/**
 * What stands between a participant and its applications: the HTTP JSON API, the trigger service and the OAuth2 middleware, each
 * where it is asked for. They are Daml's own programs, in images that you bring: this project builds none of them.
 *
 * Resources: 1, and for each program 7 (6 without secrets, one less without the Ledger API).
 *
 * Cost: three programs with two pods each take 6 GiB of memory: one to two machines of a cluster, 100 to 200 USD a month.
 */
export class ApplicationStack extends ComponentResource {
  /** URLs of its programs in the cluster, by name. */
  declare readonly urls: Output<Readonly<Record<string, string>>>;

  constructor(name: string, args: ApplicationStackArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:participant:ApplicationStack", name, {}, options);
    const { jsonApi, triggerService, oauth2Middleware } = args;
    if (jsonApi === undefined && triggerService === undefined && oauth2Middleware === undefined) {
      throw new Error("got none of jsonApi, triggerService and oauth2Middleware; expected at least one");
    }
    if (triggerService !== undefined && oauth2Middleware === undefined) {
      throw new Error("triggerService: needs oauth2Middleware, where users log in whose triggers it runs; add it");
    }
    const planned = [
      jsonApi && this.#jsonApi(args, jsonApi),
      triggerService && this.#triggerService(args, triggerService),
      oauth2Middleware && this.#oauth2Middleware(args, oauth2Middleware),
    ].filter((each) => each !== undefined);
    for (const each of planned) this.#run(name, args, each);
    this.urls = output(
      Object.fromEntries(
        planned.map(({ key }) => [
          nameIn(args, key),
          `http://${nameIn(args, key)}.${args.namespace}.svc:${applicationPorts[key]}`,
        ]),
      ),
    );
    this.registerOutputs({ urls: this.urls });
  }

  #jsonApi(args: ApplicationStackArgs, jsonApi: NonNullable<ApplicationStackArgs["jsonApi"]>): Planned {
    const { queryStore } = jsonApi;
    return {
      key: "jsonApi",
      program: jsonApi,
      database: queryStore,
      files: this.#files(args, queryStore, (api, store) => ({ "application.conf": jsonApiConfig(api, store) })),
      ...passwordOf(queryStore),
      traffic: { ledger: true, calledBy: [], calls: [], https: [] },
    };
  }

  #triggerService(args: ApplicationStackArgs, triggers: NonNullable<ApplicationStackArgs["triggerService"]>): Planned {
    const { store: database, dars = [] } = triggers;
    const port = applicationPorts.oauth2Middleware;
    const middleware = nameIn(args, "oauth2Middleware");
    const login = { middlewareUrl: `http://${middleware}:${port}`, externalUrl: args.externalUrl };
    return {
      key: "triggerService",
      program: triggers,
      database,
      files: this.#files(args, database, (api, store) => ({
        "application.conf": triggerServiceConfig(api, login, dars, store, { initialise: false }),
        ...(store && { "initialise.conf": triggerServiceConfig(api, login, dars, store, { initialise: true }) }),
      })),
      ...passwordOf(database),
      ...(database && { initialiseWith: "initialise.conf" }),
      traffic: { ledger: true, calledBy: [], calls: [{ name: middleware, port }], https: [] },
    };
  }

  #oauth2Middleware(
    args: ApplicationStackArgs,
    middleware: NonNullable<ApplicationStackArgs["oauth2Middleware"]>,
  ): Planned {
    const { provider, clientId, clientSecret, templates = {} } = middleware;
    return {
      key: "oauth2Middleware",
      program: middleware,
      database: undefined,
      files: output(provider).apply(
        (login): Record<string, string> => ({
          "application.conf": oauth2MiddlewareConfig(login, args.externalUrl, templates),
          ...templateFiles(templates),
        }),
      ),
      secrets: secret({ clientId, clientSecret }),
      secretKeys: ["clientId", "clientSecret"],
      traffic: {
        ledger: false,
        calledBy: args.triggerService === undefined ? [] : [nameIn(args, "triggerService")],
        calls: [],
        https: args.https ?? [],
      },
    };
  }

  /** The files of a program that uses the Ledger API, and a database where it has one. */
  #files(
    { participant }: ApplicationStackArgs,
    database: ApplicationDatabase | undefined,
    render: (api: LedgerApi, store: Store | undefined) => Record<string, string>,
  ): Output<Record<string, string>> {
    const { ledgerApi, authorities } = participant;
    // The login's password stays out of the files, which are no secret.
    const where =
      database &&
      unsecret(
        output(database).apply(({ server: { host, port, caPem }, login }) => ({
          host,
          port,
          database: login.database,
          user: login.user,
          caPem,
        })),
      );
    return output({ ledgerApi, authorities, where }).apply(
      ({ ledgerApi: api, authorities: ledger, where: at }): Record<string, string> => ({
        ...render(api, at && { ...at, ownAuthority: at.caPem !== undefined }),
        "ledger.crt": ledger,
        ...(at?.caPem !== undefined && { "database.crt": at.caPem }),
      }),
    );
  }

  /** Makes the objects of one program. */
  #run(stack: string, args: ApplicationStackArgs, planned: Planned): void {
    const { namespace, deployment, participant } = args;
    const { key, traffic, secretKeys, initialiseWith, database } = planned;
    const { image, replicas = 2, memoryMiB = 1024 } = planned.program;
    if (!Number.isInteger(replicas) || replicas < 1 || replicas > 9) {
      throw new Error(`${key}.replicas: got ${replicas}; expected 1 to 9 pods`);
    }
    const name = nameIn(args, key);
    const resource = `${stack}-${programNames[key]}`;
    const parent = { parent: this };
    const labels = tagsOf(deployment);
    const metadata = { name, namespace, labels: applicationLabels({ name, labels }) };
    const port = applicationPorts[key];

    const files = new ConfigMap(resource, { metadata, data: planned.files }, parent);
    const secrets =
      secretKeys.length === 0
        ? undefined
        : new Secret(
            resource,
            { metadata, type: "Opaque", stringData: planned.secrets as Output<Record<string, string>> },
            parent,
          );
    const program: ApplicationProgram = {
      name,
      namespace,
      labels,
      image,
      replicas,
      port,
      memoryMiB,
      revision: unsecret(
        output([planned.files, planned.secrets] as const).apply(([content, hidden]) =>
          revisionOf(content, hidden, "application-stack"),
        ),
      ),
      secrets: secretKeys,
      ...(initialiseWith !== undefined && { initialiseWith }),
    };
    for (const policy of applicationPolicies({
      name,
      namespace,
      port,
      ...traffic,
      ...(traffic.ledger && { participant: participant.name }),
      ingress: args.ingress,
      monitoring: args.monitoring ?? [],
      databases: database === undefined ? [] : (args.databases ?? []).map((peer) => ({ peer, port: databasePort })),
    })) {
      new NetworkPolicy(
        `${stack}-${policy.metadata.name}`,
        { ...policy, metadata: { ...policy.metadata, labels } },
        parent,
      );
    }
    new AppsDeployment(resource, applicationDeployment(program), {
      ...parent,
      dependsOn: [files, ...(secrets === undefined ? [] : [secrets])],
    });
    new Service(resource, applicationService(program), parent);
    new PodDisruptionBudget(resource, applicationBudget(program), parent);
  }
}

function passwordOf(database: ApplicationDatabase | undefined): Pick<Planned, "secrets" | "secretKeys"> {
  return database === undefined
    ? { secrets: output({}), secretKeys: [] }
    : {
        secrets: secret(output(database.login).apply(({ password }) => ({ storePassword: password }))),
        secretKeys: ["storePassword"],
      };
}
