import { isOneOf, isSet, must, policy, wants } from "../policy.ts";
import { at, isSection, listAt, type Properties, sectionsAt, show, unknown } from "../properties.ts";

const tls12 = isOneOf("TLS1_2", "TLS1_3");

/** Nothing crosses a network in the clear: to databases, to buckets, through the ingress. */
export const encryptionInTransit = policy({
  name: "encryption-in-transit",
  description: "Databases and buckets refuse connections without TLS, and the ingress speaks TLS.",
  severity: "critical",
  appliesIn: "every environment",
  rules: {
    // On by default from PostgreSQL 15; a parameter group can turn it off.
    "aws:rds/parameterGroup:ParameterGroup": [({ props }) => parameter(props, "rds.force_ssl", "1")],
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": [({ props }) => parameter(props, "rds.force_ssl", "1")],
    "azure-native:dbforpostgresql:Configuration": [
      ({ props }) =>
        props["configurationName"] === "require_secure_transport"
          ? wants(props, "value", '"on"', (value) => String(value).toLowerCase() === "on")
          : [],
    ],
    "gcp:sql/databaseInstance:DatabaseInstance": [
      must(
        "settings.ipConfiguration.sslMode",
        '"ENCRYPTED_ONLY" or "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"',
        isOneOf("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"),
      ),
    ],
    "azure-native:storage:StorageAccount": [
      // On when it is left out.
      must("enableHttpsTrafficOnly", "true", (value) => value !== false),
      must("minimumTlsVersion", '"TLS1_2"', tls12),
    ],
    "aws:lb/listener:Listener": [
      ({ props }) => {
        const redirects = sectionsAt(props, "defaultActions").every(({ section }) => section["type"] === "redirect");
        const good = isOneOf("HTTPS", "TLS");
        return wants(
          props,
          "protocol",
          '"HTTPS" or "TLS", or a redirect to one',
          good,
          redirects && isSet(props["defaultActions"]),
        );
      },
    ],
    "kubernetes:networking.k8s.io/v1:Ingress": [
      must(
        "spec.tls",
        "the hosts with the Secret of their certificate",
        (value) => Array.isArray(value) && value.length > 0,
      ),
    ],
    "kubernetes:traefik.io/v1alpha1:IngressRoute": [traefikTls],
    "kubernetes:traefik.io/v1alpha1:IngressRouteTCP": [traefikTls],
  },
  stack: (resources) => {
    const policies = resources.filter(({ type }) => type === "aws:s3/bucketPolicy:BucketPolicy");
    return resources
      .filter(({ type }) => type === "aws:s3/bucket:Bucket")
      .filter(
        ({ urn }) =>
          !policies.some(
            ({ takenFrom, props }) => takenFrom("bucket").includes(urn) && deniesPlainText(props["policy"]),
          ),
      )
      .map(({ urn }) => ({
        urn,
        message: "no BucketPolicy denies plain HTTP; expected one that denies all where aws:SecureTransport is false",
      }));
  },
});

function traefikTls({ props }: { readonly props: Properties }): readonly string[] {
  // The entry point that only sends on to HTTPS needs no certificate.
  const routes = sectionsAt(props, "spec.routes");
  const redirects = routes.length > 0 && routes.every(({ section }) => listAt(section, "services").length === 0);
  return wants(props, "spec.tls", "the Secret of the certificate, or a resolver", isSection, redirects);
}

function parameter(props: Properties, name: string, expected: string): readonly string[] {
  return sectionsAt(props, "parameters")
    .filter(({ section }) => section["name"] === name && section["value"] !== unknown)
    .filter(({ section }) => String(section["value"]) !== expected)
    .map(({ path, section }) => `${path} (${name}): got ${show(section["value"])}; expected "${expected}"`);
}

/** Whether a bucket's policy, as JSON or taken apart, denies what comes without TLS. Not known yet: it is not judged. */
function deniesPlainText(policyDocument: unknown): boolean {
  if (policyDocument === unknown) return true;
  const document = typeof policyDocument === "string" ? parsed(policyDocument) : policyDocument;
  if (!isSection(document)) return false;
  return listAt(document, "Statement").some(
    (statement) =>
      isSection(statement) &&
      statement["Effect"] === "Deny" &&
      ["Bool", "BoolIfExists"].some((operator) => {
        const condition = at(statement, `Condition.${operator}`);
        return isSection(condition) && String(condition["aws:SecureTransport"]) === "false";
      }),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
