import { isSecret } from "@pulumi/pulumi";
import { beforeEach, expect, test } from "vitest";
import { GcpNetwork } from "../network/gcp-network.ts";
import { type AskedResource, ofKind, standInForGcp, valueOf } from "../network/testing/gcp-mocks.ts";
import { GcpCluster, type GcpClusterArgs } from "./gcp-cluster.ts";

let asked: AskedResource[];

beforeEach(async () => {
  asked = await standInForGcp();
});

const deployment = { name: "acme", environment: "production" } as const;
const region = "europe-west3";
const zones = [`${region}-a`, `${region}-b`, `${region}-c`];

function makeCluster(args: Partial<GcpClusterArgs> = {}): GcpCluster {
  return new GcpCluster("acme", {
    deployment,
    project: "acme-canton",
    region,
    zones,
    network: new GcpNetwork("acme", { deployment, region, range: "10.20.0.0/16" }),
    keys: { disks: "disks-key", nodes: "nodes-key" },
    namespace: "canton-prod",
    ...args,
  });
}

const ofType = (kind: string) => ofKind(asked, kind);

test("a control plane without a public address, policies that are enforced, data under the deployment's key", async () => {
  await valueOf(makeCluster({ authorizedRanges: ["10.99.0.0/24"] }).cluster);
  const [cluster] = ofType("Cluster");
  expect(cluster).toMatchObject({ protect: true, parent: "pulumi-canton:platform:GcpCluster::acme" });
  expect(cluster?.inputs).toMatchObject({
    location: region,
    nodeLocations: zones,
    privateClusterConfig: {
      enablePrivateNodes: true,
      enablePrivateEndpoint: true,
      privateEndpointSubnetwork: "Subnetwork/acme-control-plane",
    },
    masterAuthorizedNetworksConfig: {
      cidrBlocks: [{ cidrBlock: "10.20.79.0/28" }, { cidrBlock: "10.99.0.0/24" }],
      gcpPublicCidrsAccessEnabled: false,
    },
    controlPlaneEndpointsConfig: { dnsEndpointConfig: { allowExternalTraffic: false } },
    datapathProvider: "ADVANCED_DATAPATH",
    workloadIdentityConfig: { workloadPool: "acme-canton.svc.id.goog" },
    databaseEncryption: { state: "ENCRYPTED", keyName: "disks-key" },
    enableShieldedNodes: true,
    releaseChannel: { channel: "STABLE" },
    deletionProtection: true,
  });
});

test("machines run under an account of their own that may do little, on encrypted disks, with workload identity", async () => {
  await valueOf(makeCluster().cluster);
  for (const { inputs } of [...ofType("NodePool"), ...ofType("Cluster")]) {
    expect(inputs["nodeConfig"]).toMatchObject({
      serviceAccount: "acme-machines@acme.iam.gserviceaccount.com",
      bootDiskKmsKey: "disks-key",
      workloadMetadataConfig: { mode: "GKE_METADATA" },
      shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
      tags: ["acme-nodes"],
    });
  }
  expect(ofType("NodePool")[0]?.inputs).not.toHaveProperty("name");
  const rights = ofType("IAMMember")
    .filter(({ type }) => type.startsWith("gcp:projects/"))
    .map(({ inputs }) => inputs["role"]);
  expect(rights).toEqual(["roles/artifactregistry.reader", "roles/container.defaultNodeServiceAccount"]);
});

test("what it gives out is secret, holds no credential, and says how pods get disks and an identity", async () => {
  const { cluster } = makeCluster({ proxyUrl: "socks5://localhost:1080" });
  const state = await valueOf(cluster);
  expect(await isSecret(cluster)).toBe(true);
  const kubeconfig = JSON.parse(state.kubeconfig);
  expect(kubeconfig.clusters[0].cluster).toEqual({
    server: "https://10.20.79.18",
    "certificate-authority-data": "Q0E=",
    "proxy-url": "socks5://localhost:1080",
  });
  expect(kubeconfig.users[0].user).toEqual({ exec: expect.objectContaining({ command: "gke-gcloud-auth-plugin" }) });
  expect(kubeconfig["current-context"]).toBe("acme-cluster");
  expect(state).toMatchObject({
    zones,
    storageClass: "canton-encrypted",
    storageClassToMake: {
      provisioner: "pd.csi.storage.gke.io",
      parameters: { type: "pd-balanced", "disk-encryption-kms-key": "disks-key" },
    },
    workloadIdentity: { serviceAccount: "canton" },
  });
});

test("by its DNS name it is reached from anywhere, with a certificate that every machine trusts", async () => {
  const state = await valueOf(makeCluster({ dnsEndpoint: true }).cluster);
  expect(JSON.parse(state.kubeconfig).clusters[0].cluster).toEqual({ server: "https://gke-1.europe-west3.gke.goog" });
});

test("the port of the ingress gets its name in every zone", async () => {
  const { instanceGroups } = makeCluster({ nodePort: 30_443 });
  expect(await valueOf(instanceGroups)).toEqual(zones.map((zone) => `https://compute/zones/${zone}/instanceGroups/g`));
  expect(
    ofType("InstanceGroupNamedPort").map(({ inputs }) => [inputs["zone"], inputs["name"], inputs["port"]]),
  ).toEqual(zones.map((zone) => [zone, "ingress", 30_443]));
});

test("bad arguments are named", () => {
  expect(() => makeCluster({ zones: [] })).toThrow(/^zones: got none/);
  expect(() => makeCluster({ machines: { min: 2, max: 9 } })).toThrow(
    /^machines: got 2 to 9; expected at least one for each of the 3/,
  );
});
