import type { Values } from "../wire.ts";
import { certificateText } from "./certificate-text.ts";
import { type Cloud, digits, type Making, numberBelow, textIn, typeIn } from "./cloud.ts";

/** The project and the region where the program names none. */
export const project = "stand-in-project";
export const projectNumber = "210987654321";
export const region = "europe-west3";

/** Ids that the SDK's documentation does not tell, or tells by other names than the inputs'. */
const templates: Readonly<Record<string, string>> = {
  "container/cluster:Cluster": "projects/{{project}}/locations/{{location}}/clusters/{{name}}",
  "container/nodePool:NodePool": "projects/{{project}}/locations/{{location}}/clusters/{{cluster}}/nodePools/{{name}}",
  "dns/recordSet:RecordSet": "projects/{{project}}/managedZones/{{managed_zone}}/rrsets/{{name}}/{{type}}",
  "logging/projectSink:ProjectSink": "projects/{{project}}/sinks/{{name}}",
  "kms/keyRing:KeyRing": "projects/{{project}}/locations/{{location}}/keyRings/{{name}}",
  "kms/cryptoKey:CryptoKey": "{{key_ring}}/cryptoKeys/{{name}}",
  "kms/cryptoKeyIAMMember:CryptoKeyIAMMember": "{{crypto_key_id}}/{{role}}/{{member}}",
  "projects/iAMMember:IAMMember": "{{project}}/{{role}}/{{member}}",
  "projects/service:Service": "{{project}}/{{service}}",
  "projects/serviceIdentity:ServiceIdentity": "projects/{{project}}/services/{{service}}",
  "secretmanager/secretIamMember:SecretIamMember": "{{secret_id}}/{{role}}/{{member}}",
  "secretmanager/secretVersion:SecretVersion": "{{secret}}/versions/1",
  "serviceaccount/account:Account":
    "projects/{{project}}/serviceAccounts/{{account_id}}@{{project}}.iam.gserviceaccount.com",
  "serviceaccount/iAMMember:IAMMember": "{{service_account_id}}/{{role}}/{{member}}",
  "servicenetworking/connection:Connection": "{{network}}:{{service}}",
  "sql/database:Database": "projects/{{project}}/instances/{{instance}}/databases/{{name}}",
  "sql/databaseInstance:DatabaseInstance": "{{name}}",
  "sql/user:User": "{{name}}//{{instance}}",
  "storage/bucket:Bucket": "{{name}}",
  "storage/bucketIAMMember:BucketIAMMember": "b/{{bucket}}/{{role}}/{{member}}",
};

/** What the API does not change in place, besides what the id is made of. */
const createOnly: Readonly<Record<string, readonly string[]>> = {
  "artifactregistry/repository:Repository": ["format", "kmsKeyName", "mode"],
  "compute/address:Address": ["*", "!labels"],
  "compute/backendService:BackendService": ["loadBalancingScheme"],
  "compute/externalVpnGateway:ExternalVpnGateway": ["*", "!labels"],
  "compute/firewall:Firewall": ["network", "direction"],
  "compute/forwardingRule:ForwardingRule": ["*", "!labels", "!target", "!allowGlobalAccess"],
  "compute/globalAddress:GlobalAddress": ["*", "!labels"],
  "compute/haVpnGateway:HaVpnGateway": ["network", "stackType", "vpnInterfaces"],
  "compute/instance:Instance": [
    "machineImage",
    "bootDisk.initializeParams",
    "networkInterfaces.network",
    "networkInterfaces.subnetwork",
    "confidentialInstanceConfig",
  ],
  "compute/network:Network": ["autoCreateSubnetworks", "description", "internalIpv6Range"],
  "compute/resourcePolicy:ResourcePolicy": ["*"],
  "compute/router:Router": ["network", "encryptedInterconnectRouter"],
  "compute/routerInterface:RouterInterface": ["*"],
  "compute/routerNat:RouterNat": ["router"],
  "compute/securityPolicy:SecurityPolicy": ["type"],
  "compute/subnetwork:Subnetwork": ["network", "ipCidrRange", "purpose", "description"],
  "compute/vPNTunnel:VPNTunnel": ["*", "!labels"],
  "container/cluster:Cluster": [
    "network",
    "subnetwork",
    "networkingMode",
    "datapathProvider",
    "defaultMaxPodsPerNode",
    "enableAutopilot",
    "initialNodeCount",
    "ipAllocationPolicy.clusterIpv4CidrBlock",
    "ipAllocationPolicy.servicesIpv4CidrBlock",
    "ipAllocationPolicy.clusterSecondaryRangeName",
    "ipAllocationPolicy.servicesSecondaryRangeName",
    "privateClusterConfig.enablePrivateNodes",
    "privateClusterConfig.masterIpv4CidrBlock",
    "confidentialNodes",
    "enableKubernetesAlpha",
  ],
  "container/nodePool:NodePool": [
    "nodeConfig.diskType",
    "nodeConfig.serviceAccount",
    "nodeConfig.bootDiskKmsKey",
    "nodeConfig.spot",
    "nodeConfig.localSsdCount",
    "maxPodsPerNode",
    "initialNodeCount",
    "namePrefix",
    "placementPolicy",
  ],
  "dns/managedZone:ManagedZone": ["dnsName", "visibility"],
  "dns/recordSet:RecordSet": ["managedZone", "name", "type"],
  "kms/cryptoKey:CryptoKey": ["purpose", "versionTemplate.protectionLevel", "importOnly", "destroyScheduledDuration"],
  "projects/service:Service": ["service"],
  "secretmanager/secret:Secret": ["replication", "secretId"],
  "secretmanager/secretVersion:SecretVersion": ["secret", "secretData"],
  "serviceaccount/account:Account": ["accountId"],
  "servicenetworking/connection:Connection": ["network", "service"],
  "sql/database:Database": ["instance", "charset", "collation"],
  // A replica whose primary is taken away is promoted.
  "sql/databaseInstance:DatabaseInstance": ["encryptionKeyName", "+masterInstanceName"],
  "sql/user:User": ["instance", "host", "type"],
  "storage/bucket:Bucket": ["location", "customPlacementConfig", "enableObjectRetention", "hierarchicalNamespace"],
};

function templateOf({ token, schema }: Pick<Making, "token" | "schema">): string {
  const type = typeIn(token);
  const plural = `${(type.split(":")[1] ?? "").replace(/^[A-Z]/, (letter) => letter.toLowerCase())}s`;
  if (/IAMMember|IamMember/.test(type) && !(type in templates)) {
    const owner = Object.keys(schema?.inputs ?? {}).find(
      (input) => !["condition", "member", "role", "project", "location", "region"].includes(input),
    );
    return `{{${snake(owner ?? "project")}}}/{{role}}/{{member}}`;
  }
  return templates[type] ?? schema?.idTemplate ?? `projects/{{project}}/${plural}/{{name}}`;
}

/** Fills in what an id is made of. */
function fillIn(template: string, { inputs, name }: Making): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_, variable: string) => {
    const given = inputs[camel(variable)];
    if (typeof given === "string") return given;
    if (variable === "project") return project;
    if (variable === "region" || variable === "location") return region;
    if (variable === "zone") return `${region}-a`;
    return textIn(inputs, "name") ?? name;
  });
}

function special(making: Making & { readonly id: string }): Values {
  const { token, seed, inputs, id } = making;
  const address = (use: string) => `10.${numberBelow(256, seed, use)}.${numberBelow(256, seed, `${use}3`)}.5`;
  switch (typeIn(token)) {
    case "container/cluster:Cluster": {
      const endpoint = `203.0.113.${1 + numberBelow(254, seed)}`;
      const auth = (inputs["masterAuth"] as Values | undefined) ?? {};
      return {
        endpoint,
        masterAuth: {
          clientCertificateConfig: { issueClientCertificate: false },
          ...auth,
          clusterCaCertificate: Buffer.from(certificateText(id)).toString("base64"),
        },
        masterVersion: "1.34.1-gke.1000000",
      };
    }
    case "container/nodePool:NodePool": {
      const pool = textIn(inputs, "name") ?? making.name;
      const groups = ((inputs["nodeLocations"] as string[] | undefined) ?? []).map((zone) => {
        const group = `gke-${pool}-${digits(seed, 8, zone)}-grp`;
        return `https://www.googleapis.com/compute/v1/projects/${project}/zones/${zone}/instanceGroups/${group}`;
      });
      return { instanceGroupUrls: groups, managedInstanceGroupUrls: groups };
    }
    case "sql/databaseInstance:DatabaseInstance": {
      const name = textIn(inputs, "name") ?? making.name;
      const privateIpAddress = address("private");
      const place = textIn(inputs, "region") ?? region;
      // Under private services access.
      const dnsName = `${digits(seed, 12)}.${digits(seed, 12, "zone")}.${place}.sql-psa.goog.`;
      return {
        connectionName: `${project}:${place}:${name}`,
        privateIpAddress,
        firstIpAddress: privateIpAddress,
        publicIpAddress: "",
        ipAddresses: [{ ipAddress: privateIpAddress, type: "PRIVATE", timeToRetire: "" }],
        dnsName,
        dnsNames: [{ name: dnsName, connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "INSTANCE" }],
        serverCaCerts: [
          {
            cert: certificateText(id),
            commonName: "stand-in",
            createTime: "",
            expirationTime: "",
            sha1Fingerprint: digits(seed, 40, "ca"),
          },
        ],
        serviceAccountEmailAddress: `p${projectNumber}-${digits(seed, 6)}@gcp-sa-cloud-sql.iam.gserviceaccount.com`,
      };
    }
    case "serviceaccount/account:Account": {
      const email = `${inputs["accountId"]}@${textIn(inputs, "project") ?? project}.iam.gserviceaccount.com`;
      return { email, member: `serviceAccount:${email}`, name: id, uniqueId: `1${BigInt(`0x${digits(seed, 16)}`)}` };
    }
    case "projects/serviceIdentity:ServiceIdentity": {
      const email = `service-${projectNumber}@gcp-sa-${(textIn(inputs, "service") ?? "").split(".")[0]}.iam.gserviceaccount.com`;
      return { email, member: `serviceAccount:${email}` };
    }
    case "compute/haVpnGateway:HaVpnGateway":
      return {
        vpnInterfaces: [0, 1].map((id) => ({
          id,
          ipAddress: `203.0.113.${1 + numberBelow(254, seed, `interface ${id}`)}`,
        })),
      };
    case "compute/address:Address":
    case "compute/globalAddress:GlobalAddress":
      return {
        address:
          textIn(inputs, "address") ??
          (inputs["addressType"] === "INTERNAL" || inputs["purpose"] !== undefined
            ? address("address")
            : `203.0.113.${1 + numberBelow(254, seed)}`),
      };
    case "storage/bucket:Bucket":
      return { url: `gs://${id}` };
    case "secretmanager/secret:Secret":
      return { name: id };
    case "secretmanager/secretVersion:SecretVersion":
      return { name: id, version: "1" };
    default:
      return {};
  }
}

/** Google Cloud. */
export const gcp: Cloud = {
  autoName: (_token, schema) => (schema?.inputs["name"]?.optional && schema.outputs["name"] ? "name" : undefined),
  nameFrom: (name, suffix) => `${name}-${suffix}`,
  createOnly(token, schema) {
    const variables = [...templateOf({ token, schema }).matchAll(/\{\{(\w+)\}\}/g)].map(([, variable]) =>
      camel(variable as string),
    );
    const always = ["project", "location", "region", "zone", "name"];
    return [...always, ...variables, ...(createOnly[typeIn(token)] ?? []), ...(schema?.documentedReplacements ?? [])];
  },
  id: (making) => fillIn(templateOf(making), making),
  // To switch on a service that is on, or to grant what is granted, is no mistake.
  occupies: (making) =>
    /IamMember|IAMMember|^projects\//.test(typeIn(making.token)) ? undefined : fillIn(templateOf(making), making),
  outputs(making) {
    const { schema, inputs, id } = making;
    const given = { project, region, zone: `${region}-a`, location: region };
    const places = Object.entries(given).flatMap(([property, value]) =>
      schema?.outputs[property] === undefined ? [] : [[property, inputs[property] ?? value]],
    );
    const link =
      schema?.outputs["selfLink"] === undefined
        ? {}
        : { selfLink: `https://www.googleapis.com/${typeIn(making.token).split("/")[0]}/v1/${id}` };
    const labels = inputs["labels"] ?? {};
    const all = ["effectiveLabels", "pulumiLabels"].flatMap((property) =>
      schema?.outputs[property] ? [[property, labels]] : [],
    );
    return { ...Object.fromEntries([...places, ...all]), ...link, ...special(making) };
  },
  text: () => undefined,
  handles: (id, { selfLink }) => (typeof selfLink === "string" && selfLink !== id ? [selfLink] : []),
};

function camel(text: string): string {
  return text.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function snake(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
