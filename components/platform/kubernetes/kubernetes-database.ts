import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import {
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  getProject,
  getStack,
  type Input,
  type Output,
  output,
  type ProviderResource,
  secret,
  unsecret,
} from "@pulumi/pulumi";
import type { DatabaseServerState } from "../../database/database-server.ts";
import type { DatabaseConnection, PlatformDatabase } from "../platform.ts";
import {
  connectionOf,
  type DatabasePlan,
  loginOf,
  setupJobOf,
  setupMetadata,
  setupRevision,
  setupSecretData,
} from "./database-job.ts";

/** Arguments of a `KubernetesDatabase`. */
export interface KubernetesDatabaseArgs extends DatabasePlan {
  /** The server that it is on, with a login of its name. */
  readonly server: Input<DatabaseServerState>;
  /** A stack, `project/stack`, whose database is taken over. Default: nobody's. */
  readonly takeOverFrom?: string | undefined;
  readonly provider: ProviderResource;
}

/**
 * A node's database on a server: a job makes it, and its login, with the administrator's login, which nodes never see. The database
 * is marked with project and stack, by which it is the same stack's in another region or after a restore; the job of another stack
 * refuses it. Deleting it removes the job only: data goes with its server.
 *
 * Resources: 3. Cost: none.
 */
export class KubernetesDatabase extends ComponentResource implements PlatformDatabase {
  declare readonly connection: Output<DatabaseConnection>;
  /** Name in the stack: of the login, and of the node's files for it. */
  readonly databaseName: string;
  /** The login's password. Secret. */
  declare readonly password: Output<string>;
  /** PEM of the server's authorities; undefined for those that every machine knows, and without TLS. */
  declare readonly caPem: Output<string | undefined>;
  /** The job: the database is there when it has ended. */
  readonly resource: Job;

  constructor(name: string, args: KubernetesDatabaseArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:platform:KubernetesDatabase", `${name}-database`, {}, options);
    this.databaseName = args.name;
    const server = output(args.server);
    const owner = { owner: `${getProject()}/${getStack()}`, takeOverFrom: args.takeOverFrom };
    const inside: CustomResourceOptions = { parent: this, provider: args.provider, deleteBeforeReplace: true };
    // What is not a password is no secret, and shows in a preview.
    this.connection = unsecret(server.apply((state) => connectionOf(state, loginOf(state, args.name), args.name)));
    this.caPem = unsecret(server.apply(({ tls, caPem }) => (tls === false ? undefined : caPem)));
    this.password = secret(server.apply((state) => loginOf(state, args.name).password));
    const revision = unsecret(server.apply((state) => setupRevision(state, args.name, args.takeOverFrom)));

    const logins = new Secret(
      `${name}-database`,
      {
        metadata: setupMetadata(args),
        stringData: secret(server.apply((state) => setupSecretData(args.name, state, owner))),
      },
      inside,
    );
    this.resource = new Job(`${name}-database`, setupJobOf(args, revision), { ...inside, dependsOn: [logins] });
    this.registerOutputs({ connection: this.connection });
  }
}
