/** Where the SDKs keep what they say of a resource type. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/environment/paths.ts";

/** Packages whose types are known. */
export const packages = ["aws", "azure-native", "gcp", "kubernetes", "random", "tls"] as const;
/** One of {@link packages}. */
export type Package = (typeof packages)[number];

/** An installed SDK. */
export interface Sdk {
  readonly name: Package;
  readonly folder: string;
  readonly version: string;
}

/** The package that a type belongs to; undefined for one of none of them. */
export function packageOf(token: string): Package | undefined {
  return packages.find((name) => token.startsWith(`${name}:`));
}

/** The SDK of a package, as it is installed here. */
export function sdkOf(name: Package): Sdk {
  const folder = join(root, "node_modules", "@pulumi", name);
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return { name, folder, version };
}

/** The declaration file of a resource type; undefined when the SDK has none such. */
export function declarationOf({ folder }: Sdk, token: string): string | undefined {
  const [, module = "", name = ""] = token.split(":");
  // aws:eks/cluster:Cluster, azure-native:network:Subnet, kubernetes:networking.k8s.io/v1:Ingress, random:index/randomId:RandomId
  const parts = module.split("/").filter((part) => part !== "index");
  const [service = "", ...rest] = parts;
  const folders = [parts.slice(0, -1), [service.split(".")[0] ?? "", ...rest]];
  for (const parts of folders) {
    const place = join(folder, ...parts);
    if (!existsSync(place)) continue;
    // Of a name such as IAMMember the file is iammember.
    const file = readdirSync(place).find((entry) => entry.toLowerCase() === `${name.toLowerCase()}.d.ts`);
    if (file === undefined) continue;
    const script = readFileSync(join(place, file.replace(/\.d\.ts$/, ".js")), "utf8");
    if (script.includes(`__pulumiType = '${token}'`)) return join(place, file);
  }
  return undefined;
}
