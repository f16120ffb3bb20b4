import { isFalse, isOneOf, must, policy } from "../policy.ts";
import { at, listAt, sectionsAt } from "../properties.ts";
import { openRanges } from "./open-range.ts";

/** PostgreSQL's own port. */
const postgres = 5432;

/** Databases have an address inside the deployment's network, and no other. */
export const noPublicDatabase = policy({
  name: "no-public-database",
  description: "No database is reached from outside the deployment's network.",
  severity: "critical",
  appliesIn: "every environment",
  rules: {
    "aws:rds/instance:Instance": [must("publiclyAccessible", "false", isFalse)],
    "aws:rds/clusterInstance:ClusterInstance": [must("publiclyAccessible", "false", isFalse)],
    "azure-native:dbforpostgresql:Server": [
      must(
        "network.publicNetworkAccess",
        '"Disabled", or a subnet in network.delegatedSubnetResourceId',
        isOneOf("Disabled"),
        (props) => at(props, "network.delegatedSubnetResourceId") !== undefined,
      ),
    ],
    // 0.0.0.0 to 0.0.0.0 is Azure's way to say: all of Azure, other customers too.
    "azure-native:dbforpostgresql:FirewallRule": [
      ({ props }) => openRanges("startIpAddress", listAt(props, "startIpAddress")),
    ],
    "gcp:sql/databaseInstance:DatabaseInstance": [
      must(
        "settings.ipConfiguration.ipv4Enabled",
        "false, with settings.ipConfiguration.privateNetwork",
        isOneOf(false),
      ),
      ({ props }) =>
        sectionsAt(props, "settings.ipConfiguration.authorizedNetworks").flatMap(({ path, section }) =>
          openRanges(`${path}.value`, [section["value"]]),
        ),
    ],
    "kubernetes:core/v1:Service": [
      ({ props }) => {
        const type = at(props, "spec.type");
        if (type !== "LoadBalancer" && type !== "NodePort") return [];
        return sectionsAt(props, "spec.ports")
          .filter(({ section }) => section["port"] === postgres || section["targetPort"] === postgres)
          .map(({ path }) => `${path}: got port ${postgres} in a Service of type ${type}; expected type ClusterIP`);
      },
    ],
  },
});
