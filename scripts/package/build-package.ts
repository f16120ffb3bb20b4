/**
 * Makes the npm package from the sources of this clone: compiled, because Node strips no types below `node_modules`, with the
 * workspaces inside, so that nothing of this project has to be on a registry besides.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { root } from "../environment/paths.ts";

/** The part of a workspace's `package.json` that matters here. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const scope = "@pulumi-canton/";

/** Folders of the workspaces that the package contains. */
function workspaces(): string[] {
  const nodes = readdirSync(join(root, "node-images"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join("node-images", name));
  return ["components", ...nodes];
}

const manifestOf = (folder: string): Manifest => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));

/** Files of a folder that are part of the package: what runs, and no tests. */
function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(node_modules|testing|bench)\/|\.test\.ts$|\/(package|tsconfig)\.json$/.test(file))
    .sort();
}

/**
 * Writes the package into a folder, which is made anew.
 *
 * @param folder absolute path. Example: `"/tmp/pulumi-canton"`
 * @throws Error with what the type check says
 */
export function buildPackage(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  const bundled = workspaces().map((workspace) => ({ workspace, manifest: manifestOf(workspace) }));
  const places = [
    ...bundled.map(({ workspace, manifest }) => [workspace, join("node_modules", manifest.name)] as const),
    ["stacks", "stacks"] as const,
  ];
  for (const [from, to] of places) {
    for (const file of sources(from)) compile(file, join(folder, to, relative(from, file)));
  }
  declareTypes(folder, places);
  for (const { manifest } of bundled) {
    const { name, version } = manifest;
    // Sources import each other with the extension that they have there.
    const exports = { "./*.ts": { types: "./*.d.ts", default: "./*.js" }, "./*": "./*" };
    writeJson(join(folder, "node_modules", name, "package.json"), { name, version, type: "module", exports });
  }
  for (const file of sources("components")) exposeComponent(file, folder);
  writeJson(join(folder, "package.json"), packageManifest(bundled.map(({ manifest }) => manifest)));
  for (const file of ["LICENSE", "README.md"]) cpSync(join(root, file), join(folder, file));
}

function compile(file: string, target: string): void {
  mkdirSync(dirname(join(target)), { recursive: true });
  if (!file.endsWith(".ts")) return cpSync(join(root, file), target);
  const { outputText } = ts.transpileModule(readFileSync(join(root, file), "utf8"), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2024,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    },
  });
  writeFileSync(target.replace(/\.ts$/, ".js"), outputText);
}

/** A module that others may import, for one of the components: what is below a package's `node_modules` is nobody else's. */
function exposeComponent(file: string, folder: string): void {
  if (!file.endsWith(".ts")) return;
  const content = `export * from "${scope}${file}";\n`;
  const target = join(folder, file.replace(/\.ts$/, ""));
  mkdirSync(dirname(target), { recursive: true });
  for (const extension of [".js", ".d.ts"]) writeFileSync(`${target}${extension}`, content);
}

/** Types of everything, beside what runs. */
function declareTypes(folder: string, places: readonly (readonly [string, string])[]): void {
  const declared = join(folder, ".declared");
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const project = join(import.meta.dirname, "tsconfig.json");
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", project, "--outDir", declared], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the types are not right:\n${stdout}`);
  for (const [from, to] of places) cpSync(join(declared, from), join(folder, to), { recursive: true });
  rmSync(declared, { recursive: true });
}

function packageManifest(manifests: readonly Manifest[]): Record<string, unknown> {
  const { version, description, license, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const foreign = (dependencies: Readonly<Record<string, string>> = {}) =>
    Object.entries(dependencies).filter(([name]) => !name.startsWith(scope));
  return {
    name: "pulumi-canton",
    version,
    description,
    license,
    engines,
    type: "module",
    exports: {
      // What other programs use without knowing where it stands: the components of the source plugin.
      ".": { types: "./stacks/published/components.d.ts", default: "./stacks/published/components.js" },
      "./*.js": { types: "./components/*.d.ts", default: "./components/*.js" },
    },
    dependencies: Object.fromEntries([
      ...manifests.flatMap(({ dependencies }) => foreign(dependencies)).sort(),
      // npm packs no folder of a bundled package that is not among these.
      ...manifests.map((manifest) => [manifest.name, manifest.version]).sort(),
    ]),
    optionalDependencies: Object.fromEntries(
      manifests.flatMap(({ optionalDependencies }) => foreign(optionalDependencies)).sort(),
    ),
    bundleDependencies: manifests.map(({ name }) => name).sort(),
  };
}

function writeJson(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}
