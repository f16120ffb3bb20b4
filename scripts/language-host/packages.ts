import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The part of a `package.json` that matters here. */
interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  /** Present in packages that come with a Pulumi plugin. */
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
    readonly parameterization?: Parameterization;
    readonly extensionParameterization?: Parameterization;
  };
}

interface Parameterization {
  readonly name: string;
  readonly version: string;
  /** Base64. */
  readonly value: string;
}

/** An npm package a program depends on. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly directory: string;
  readonly direct: boolean;
  readonly manifest: Manifest;
}

/** A Pulumi plugin that a package says it needs. */
export interface RequiredPackage {
  readonly name: string;
  readonly version: string;
  readonly server?: string;
  readonly parameterization?: Parameterization;
  readonly extension?: Parameterization;
}

/** A package whose `package.json` lists dependencies that are not installed. */
export interface Installed {
  readonly packages: readonly InstalledPackage[];
  /** Direct dependencies that could not be found. */
  readonly missing: readonly string[];
}

/** The folder of the nearest `package.json` at or above `directory`, or undefined. */
export function packageRoot(directory: string): string | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * The npm packages that the program in `directory` depends on, direct and indirect, as they are installed: each looked
 * for in the `node_modules` folders at and above the package that asks for it. Packages that are not installed
 * (optional ones, other platforms') are left out.
 */
export function installedPackages(directory: string): Installed {
  const root = packageRoot(directory);
  if (root === undefined) return { packages: [], missing: [] };
  const found = new Map<string, InstalledPackage>();
  const missing: string[] = [];
  const manifest = readManifest(root);
  const queue: { from: string; name: string; direct: boolean }[] = Object.keys({
    ...manifest.dependencies,
    ...manifest.devDependencies,
  }).map((name) => ({ from: root, name, direct: true }));
  for (let next = queue.shift(); next; next = queue.shift()) {
    const folder = findPackage(next.from, next.name);
    if (folder === undefined) {
      if (next.direct) missing.push(next.name);
      continue;
    }
    if (found.has(folder)) continue;
    const dependency = readManifest(folder);
    found.set(folder, {
      name: dependency.name ?? next.name,
      version: dependency.version ?? "",
      directory: folder,
      direct: next.direct,
      manifest: dependency,
    });
    for (const name of Object.keys(dependency.dependencies ?? {})) queue.push({ from: folder, name, direct: false });
  }
  return { packages: [...found.values()], missing };
}

/** The Pulumi plugins that a program's npm packages come with (`pulumi.resource: true` in their `package.json`). */
export function requiredPackages(directory: string): RequiredPackage[] {
  const required = new Map<string, RequiredPackage>();
  for (const { name, version, manifest } of installedPackages(directory).packages) {
    const plugin = manifest.pulumi;
    if (plugin?.resource !== true) continue;
    const entry: RequiredPackage = {
      name: plugin.name ?? name.replace(/^@pulumi\//, "").replace(/^@[^/]*\//, ""),
      version: withPrefix(plugin.version ?? version),
      ...(plugin.server === undefined ? {} : { server: plugin.server }),
      ...(plugin.parameterization === undefined ? {} : { parameterization: plugin.parameterization }),
      ...(plugin.extensionParameterization === undefined ? {} : { extension: plugin.extensionParameterization }),
    };
    required.set(JSON.stringify(entry), entry);
  }
  return [...required.values()];
}

const withPrefix = (version: string): string => (version === "" || version.startsWith("v") ? version : `v${version}`);

function findPackage(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

function readManifest(directory: string): Manifest {
  const file = join(directory, "package.json");
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Manifest;
  } catch (cause) {
    throw new Error(`cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
