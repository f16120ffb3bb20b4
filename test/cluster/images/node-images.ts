/** The images of a cluster: ours from their own Containerfile, and what they and every cluster stand on. */
import { execFile } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { executablesOnPath } from "../../../scripts/engine/on-path.ts";
import { root } from "../../../scripts/environment/paths.ts";
import type { ClusterPrograms } from "../programs.ts";
import { ImageBuilder } from "./image-builder.ts";

/** Targets of node-images/Containerfile. */
const targets = ["domain-manager", "sequencer", "mediator", "participant", "database-setup"] as const;
/** One of them. */
export type Target = (typeof targets)[number];

const registry = "registry.example.com/canton";
/** What every cluster has; not by digest, as the machine itself is told of them. */
export const pauseImage = `${registry}/pause:1`;
/** The cluster's name server. */
export const namesImage = `${registry}/names:1`;

/** Images, as an archive to import. */
export interface NodeImages {
  readonly archive: string;
  /** Digests by the name that each has in the archive. */
  readonly digests: ReadonlyMap<string, string>;
  /** Name of a node's image by its digest. @param version 2: another image of the same, of participants only */
  pinned(target: Target, version?: 1 | 2): string;
}

/**
 * Builds all of them: three minutes, in which packages come from the registry of npm.
 *
 * @param folder for what is built
 * @throws Error with what a build said
 */
export async function buildNodeImages(programs: ClusterPrograms, folder: string): Promise<NodeImages> {
  const builder = new ImageBuilder(programs.builder, join(folder, "builder"));
  const context = join(folder, "context");
  layOut(programs, context);
  const own = join(import.meta.dirname, "Containerfile");
  const [base, runtime] = [`${registry}/base:1`, `${registry}/runtime:1`];
  for (const [target, name] of Object.entries({ base, runtime, pause: pauseImage, names: namesImage })) {
    await builder.build({ containerfile: own, context, target, name });
  }
  const mounts = await packagesAccess(folder);
  const node = (target: Target) => ({
    containerfile: join(root, "node-images", "Containerfile"),
    context: root,
    target,
    name: nameOf(target, 1),
    args: { NODE_IMAGE: base, RUNTIME_IMAGE: runtime },
    mounts,
  });
  for (const target of targets) await builder.build(node(target));
  const renewed = { target: "renewed", name: nameOf("participant", 2), args: { IMAGE: nameOf("participant", 1) } };
  await builder.build({ containerfile: own, context, ...renewed });
  const archive = join(folder, "images.tar");
  const nodes = targets.map((target) => nameOf(target, 1));
  const digests = await builder.archive([pauseImage, namesImage, ...nodes, renewed.name], archive);
  return {
    archive,
    digests,
    pinned: (target, version = 1) => pinnedName(nameOf(target, version), digests.get(nameOf(target, version)) ?? ""),
  };
}

/** The name by digest of an image that has a name by tag. */
export function pinnedName(name: string, digest: string): string {
  return `${name.replace(/:[^:/]+$/, "")}@${digest}`;
}

function nameOf(target: Target, version: number): string {
  return `${registry}/${target}:${version}`;
}

/** Lays out the files of the images that stand on nothing. */
function layOut({ base, go }: ClusterPrograms, context: string): void {
  const rootOf = join(context, "root");
  const inRoot = (...path: string[]) => join(rootOf, ...path);
  // Links lead from one package into another.
  cpSync(base.folder, rootOf, { recursive: true, verbatimSymlinks: true });
  for (const folder of ["usr/local/bin", "usr/local/lib/node_modules"]) {
    mkdirSync(inRoot(folder), { recursive: true });
  }
  chmodSync(inRoot("tmp"), 0o1777);
  writeFileSync(inRoot("etc", "passwd"), "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n");
  writeFileSync(inRoot("etc", "group"), "root:x:0:\nnode:x:1000:\n");
  copyFileSync(process.execPath, inRoot("usr", "local", "bin", "node"));
  cpSync(npmFolder(), inRoot("usr", "local", "lib", "node_modules", "npm"), { recursive: true });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", inRoot("usr", "local", "bin", "npm"));
  copyFileSync(go.pause, join(context, "pause"));
  copyFileSync(go.names, join(context, "names"));
}

/** Files by which a build reaches the registry of packages as this machine does, by their place in it. */
async function packagesAccess(folder: string): Promise<Record<string, string>> {
  const own = join(homedir(), ".npmrc");
  const authorities = process.env["NODE_EXTRA_CA_CERTS"];
  const { stdout: registry } = await promisify(execFile)("npm", ["config", "get", "registry"]);
  const place = "/run/authorities.crt";
  const npmrc = join(folder, "npmrc");
  const lines = [`registry=${registry.trim()}`, ...(authorities === undefined ? [] : [`cafile=${place}`])];
  const given = existsSync(own) ? readFileSync(own, "utf8") : "";
  writeFileSync(npmrc, `${given}\n${lines.join("\n")}\n`, { mode: 0o600 });
  return { "/root/.npmrc": npmrc, ...(authorities !== undefined && { [place]: authorities }) };
}

/** The folder of the npm that is on the PATH. @throws Error when there is none of the usual shape */
function npmFolder(): string {
  const folders = executablesOnPath("npm", process.env["PATH"]).map((npm) => dirname(dirname(realpathSync(npm))));
  const folder = folders.find((each) => existsSync(join(each, "bin", "npm-cli.js")));
  if (folder === undefined) throw new Error("there is no npm on the PATH that could be put into an image");
  return folder;
}
