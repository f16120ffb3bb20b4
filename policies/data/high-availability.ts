import { isAtLeast, isOneOf, isSet, isTrue, must, policy, wants } from "../policy.ts";
import { at, sectionsAt } from "../properties.ts";

const inTwoZones = (value: unknown): boolean => Array.isArray(value) && value.length >= 2;

/** The loss of a zone ends nothing. Replicas for reading and for another region need no standby of their own. */
export const highAvailability = policy({
  name: "high-availability",
  description: "In production databases, clusters and the sequencers of a domain survive the loss of a zone.",
  severity: "high",
  appliesIn: "production",
  rules: {
    "aws:rds/instance:Instance": [
      must("multiAz", "true", isTrue, ({ replicateSourceDb }) => replicateSourceDb !== undefined),
    ],
    "aws:eks/cluster:Cluster": [must("vpcConfig.subnetIds", "subnets in two zones or more", inTwoZones)],
    "aws:eks/nodeGroup:NodeGroup": [
      must("subnetIds", "subnets in two zones or more", inTwoZones),
      must("scalingConfig.minSize", "2 or more", isAtLeast(2)),
    ],
    "azure-native:dbforpostgresql:Server": [
      must(
        "highAvailability.mode",
        '"ZoneRedundant"',
        isOneOf("ZoneRedundant"),
        ({ createMode, replicationRole }) =>
          createMode === "Replica" || replicationRole === "GeoAsyncReplica" || replicationRole === "AsyncReplica",
      ),
    ],
    "azure-native:containerservice:ManagedCluster": [
      must("sku.tier", '"Standard" or "Premium", which have an uptime agreement', isOneOf("Standard", "Premium")),
      ({ props }) =>
        sectionsAt(props, "agentPoolProfiles").flatMap(({ path, section }) =>
          wants(section, "availabilityZones", "two zones or more", inTwoZones, false, `${path}.`),
        ),
    ],
    "azure-native:containerservice:AgentPool": [must("availabilityZones", "two zones or more", inTwoZones)],
    "gcp:sql/databaseInstance:DatabaseInstance": [
      must(
        "settings.availabilityType",
        '"REGIONAL"',
        isOneOf("REGIONAL"),
        ({ masterInstanceName }) => masterInstanceName !== undefined,
      ),
    ],
    "gcp:container/cluster:Cluster": [
      must(
        "location",
        "a region, such as europe-west3, not one of its zones",
        (value) => typeof value === "string" && /^[a-z]+-[a-z]+\d+$/.test(value),
        (props) => inTwoZones(props["nodeLocations"]) && at(props, "location") === undefined,
      ),
    ],
    "kubernetes:apps/v1:Deployment": [
      ({ props }) => {
        const replicas = at(props, "spec.replicas");
        const single = typeof replicas !== "number" || replicas < 2;
        const apart = isSet(at(props, "spec.template.spec.affinity.podAntiAffinity"));
        return wants(
          props,
          "spec.template.spec.topologySpreadConstraints",
          "replicas spread over zones",
          isSet,
          single || apart,
        );
      },
    ],
  },
  stack: (resources) =>
    resources
      .filter(({ type }) => type === "pulumi-canton:domain:Domain")
      .flatMap(({ urn, props }) =>
        wants(props, "sequencers", "two sequencers or more", inTwoZones).map((message) => ({ urn, message })),
      ),
});
