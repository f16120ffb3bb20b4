import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A package to link: where its SDK is, relative to the program, and what it is called. */
export interface LinkedPackage {
  readonly path: string;
  readonly name: string;
}

/**
 * Has a program depend on SDKs that were generated into its folder; installing its dependencies then brings them in.
 *
 * @param directory of the program's `package.json`
 * @returns how to use them, for people
 */
export function linkPackages(directory: string, packages: readonly LinkedPackage[]): string {
  const file = join(directory, "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as { dependencies?: Record<string, string> };
  const linked = packages.map(({ path, name }) => {
    const sdk = JSON.parse(readFileSync(join(directory, path, "package.json"), "utf8")) as { name: string };
    manifest.dependencies = { ...manifest.dependencies, [sdk.name]: `file:${path}` };
    return `  import * as ${identifier(name)} from "${sdk.name}";`;
  });
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  return ["You can import the SDK in your program with:", "", ...linked, ""].join("\n");
}

/** `pulumi-canton` as a name in a program: `pulumiCanton`. */
function identifier(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
