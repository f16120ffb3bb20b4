/**
 * Which types take tags or labels, by the property that takes them: `taggable.json`, read from the SDKs for the services that
 * deployments are made of. After an update of an SDK: `node policies/placement/taggable.ts` writes it anew.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const services: Readonly<Record<string, readonly string[]>> = {
  aws: "acm backup cloudwatch ec2 ecr eks iam kms lb rds route53 s3 secretsmanager sns ssm vpc wafv2".split(" "),
  "azure-native":
    "authorization compute containerregistry containerservice dataprotection dbforpostgresql keyvault managedidentity monitor network operationalinsights privatedns recoveryservices resources storage".split(
      " ",
    ),
  gcp: "artifactregistry compute container dns gkebackup kms pubsub secretmanager sql storage".split(" "),
};

/** The properties, by cloud; GCP's own `tags` are for firewalls. */
const properties: Readonly<Record<string, RegExp>> = {
  aws: /^ {4}(tags)\?: pulumi\.Input<\{$/m,
  "azure-native": /^ {4}(tags)\?: pulumi\.Input<\{$/m,
  gcp: /^ {4}(labels|resourceLabels)\?: pulumi\.Input<\{$/m,
};

/** Labels that are not where the others are. */
const nested: Readonly<Record<string, string>> = {
  "gcp:sql/databaseInstance:DatabaseInstance": "settings.userLabels",
};

/** Types by the property that takes their tags or labels. */
export type Taggable = Readonly<Record<string, readonly string[]>>;

/** Reads the SDKs. */
export function readTaggable(): Taggable {
  const found = new Map<string, string[]>();
  for (const [sdk, folders] of Object.entries(services)) {
    const folder = dirname(createRequire(import.meta.url).resolve(`@pulumi/${sdk}/package.json`));
    for (const file of folders.flatMap((service) => filesOf(join(folder, service)))) {
      const [, type] = /__pulumiType = '([^']+)'/.exec(readFileSync(`${file}.js`, "utf8")) ?? [];
      if (type === undefined) continue;
      const [, args = ""] = /export interface \w+Args \{([^]*?)\n\}/.exec(readFileSync(`${file}.d.ts`, "utf8")) ?? [];
      const [, own] = properties[sdk]?.exec(args) ?? [];
      const property = nested[type] ?? own;
      if (property !== undefined) found.set(property, [...(found.get(property) ?? []), type]);
    }
  }
  return Object.fromEntries([...found].map(([property, types]) => [property, types.toSorted()]));
}

/** Files with a resource in them, without their ending. */
function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".d.ts") && !/^(get|list|index)/.test(name))
    .map((name) => join(folder, name.slice(0, -".d.ts".length)));
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, "taggable.json"), `${JSON.stringify(readTaggable(), undefined, 2)}\n`);
}
