/** The published definitions of the custom resources that components use, out of the Go modules that ship them. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { findGo } from "../../scripts/engine/go.ts";
import { cacheDirectory } from "../../scripts/environment/paths.ts";
import type { KubernetesObject } from "./object-paths.ts";

const traefik = "github.com/traefik/traefik/v3@v3.5.3";

/** Modules, and where in them the definitions are: a file, or a folder of which all are taken. Hashes are in definitions/go.sum. */
const modules = {
  [traefik]: "docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml",
  "github.com/cert-manager/cert-manager@v1.19.1": "deploy/crds",
  "github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/prometheus-operator-crd",
  "github.com/cloudnative-pg/cloudnative-pg@v1.27.1": "config/crd/bases",
  "github.com/argoproj/argo-cd/v3@v3.1.8": "manifests/crds",
};

/** Variable with a folder of further definitions, for those that no Go module proxy serves: see docs/kubernetes-objects.md. */
const furtherDefinitions = "KUBERNETES_DEFINITIONS";

/**
 * The definitions. Some 65 MB are fetched into Go's own cache, once per machine.
 *
 * @returns or why they cannot be had here
 */
export async function customResourceDefinitions(): Promise<KubernetesObject[] | { readonly unavailable: string }> {
  const folders = await moduleFolders();
  if (isUnavailable(folders)) return folders;
  const further = process.env[furtherDefinitions];
  return [
    ...Object.entries(modules).flatMap(([module, path]) => definitionsIn(join(folders[module] ?? "", path))),
    ...(further === undefined ? [] : definitionsIn(further)),
  ];
}

/** Folder of the Traefik that the definitions are of, with its documentation. */
export async function traefikFolder(): Promise<string | { readonly unavailable: string }> {
  const folders = await moduleFolders();
  return isUnavailable(folders) ? folders : (folders[traefik] as string);
}

type Unavailable = { readonly unavailable: string };

function isUnavailable(folders: Readonly<Record<string, string>> | Unavailable): folders is Unavailable {
  return "unavailable" in folders;
}

/** Where modules are, by `path@version`. */
async function moduleFolders(): Promise<Readonly<Record<string, string>> | { readonly unavailable: string }> {
  const go = await findGo(process.env, join(cacheDirectory(process.env), "engine"), console.log);
  if (go === undefined) return { unavailable: "there is no Go to fetch definitions with" };
  const folder = mkdtempSync(join(tmpdir(), "pulumi-canton-definitions-"));
  try {
    cpSync(join(import.meta.dirname, "definitions"), folder, { recursive: true });
    const { stdout } = await promisify(execFile)(go, ["mod", "download", "-json", ...Object.keys(modules)], {
      cwd: folder,
      env: { ...process.env, GOWORK: "off" },
      timeout: 10 * 60_000,
    });
    // One object of JSON after another, each beginning and ending at the start of a line.
    const downloaded = stdout
      .split(/(?<=^\}$)/m)
      .filter((text) => text.trim() !== "")
      .map((text): { Path: string; Version: string; Dir: string } => JSON.parse(text));
    return Object.fromEntries(downloaded.map(({ Path, Version, Dir }) => [`${Path}@${Version}`, Dir]));
  } catch (error) {
    return { unavailable: `definitions cannot be fetched: ${error instanceof Error ? error.message : error}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function definitionsIn(path: string): KubernetesObject[] {
  const files = /\.ya?ml$/.test(path)
    ? [path]
    : readdirSync(path)
        .filter((file) => /\.ya?ml$/.test(file))
        .map((file) => join(path, file));
  return files
    .flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as unknown))
    .filter((object): object is KubernetesObject => isDefinition(object));
}

function isDefinition(object: unknown): boolean {
  return (
    typeof object === "object" && object !== null && "kind" in object && object.kind === "CustomResourceDefinition"
  );
}
