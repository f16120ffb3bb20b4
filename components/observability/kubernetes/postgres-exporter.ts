import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { type Input, output } from "@pulumi/pulumi";
import { databaseLabel, httpPorts, partLabels } from "./names.ts";
import { metadata, type Place, podDefaults } from "./place.ts";
import { containerSecurity, podSecurity, probes, resources } from "./pods.ts";

const part = "postgres-exporter";
const user = 65534;
const folder = "/etc/postgres-exporter";

/** A PostgreSQL server that is looked at: a primary, or a replica, of which the lag is told. */
export interface WatchedDatabase {
  /** What alerts call it: lower-case letters, digits and hyphens. Example: `"nodes-replica"`. */
  readonly name: string;
  /** Host name or address, as the cluster sees it. */
  readonly host: Input<string>;
  /** Default: 5432. */
  readonly port?: number;
  /** Database to connect to. Default: `postgres`. */
  readonly database?: string;
  /** A login with the role `pg_monitor` and no other. Example: `"monitoring"`. */
  readonly user: Input<string>;
  /** Secret. */
  readonly password: Input<string>;
  /** PEM of the authorities of its certificate. Default: those of the image. */
  readonly caPem?: Input<string>;
}

/** An exporter that asks one server how it is; over TLS, whose certificate has to be the server's. */
export function postgresExporter(place: Place, image: string, database: WatchedDatabase): void {
  const { name, options } = place;
  const { port = 5432, database: databaseName = "postgres", caPem } = database;
  const resource = `${name}-${part}-${database.name}`;
  const objectMetadata = metadata(place, part, `${part}-${database.name}`);
  const labels = { ...objectMetadata.labels, [databaseLabel]: database.name };
  const secret = new Secret(
    resource,
    {
      metadata: objectMetadata,
      stringData: {
        user: database.user,
        password: database.password,
        ...(caPem !== undefined && { "ca.pem": caPem }),
      },
    },
    options,
  );
  const rootCertificate = caPem === undefined ? "" : `&sslrootcert=${folder}/ca.pem`;
  const selector = { ...partLabels(part), [databaseLabel]: database.name };
  new Deployment(
    resource,
    {
      metadata: objectMetadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        template: {
          metadata: { labels },
          spec: {
            ...podDefaults(place),
            securityContext: podSecurity(user),
            containers: [
              {
                name: part,
                image,
                args: [`--web.listen-address=:${httpPorts[part]}`],
                env: [
                  {
                    name: "DATA_SOURCE_URI",
                    value: output(database.host).apply(
                      (host) => `${host}:${port}/${databaseName}?sslmode=verify-full${rootCertificate}`,
                    ),
                  },
                  { name: "DATA_SOURCE_USER_FILE", value: `${folder}/user` },
                  { name: "DATA_SOURCE_PASS_FILE", value: `${folder}/password` },
                ],
                ports: [{ name: "http", containerPort: httpPorts[part] }],
                ...probes("/"),
                resources: resources({ cpu: "20m", memory: "64Mi" }),
                securityContext: containerSecurity,
                volumeMounts: [{ name: "login", mountPath: folder, readOnly: true }],
              },
            ],
            volumes: [{ name: "login", secret: { secretName: secret.metadata.name, defaultMode: 0o440 } }],
          },
        },
      },
    },
    options,
  );
}
