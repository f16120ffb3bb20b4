/** Builds images from Containerfiles, by buildah, into a folder of its own. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DebianPackages } from "../../debian-packages.ts";

/** Longest time of one build. */
const buildMs = 15 * 60_000;

/** An image that is to be built. */
export interface Building {
  readonly containerfile: string;
  /** Folder that its COPY instructions are about. */
  readonly context: string;
  readonly target: string;
  /** Name that it gets. Example: `"registry.example.com/canton/participant:1"` */
  readonly name: string;
  readonly args?: Readonly<Record<string, string>>;
  /** Files of this machine that are there during the build, by their place in it. */
  readonly mounts?: Readonly<Record<string, string>>;
}

/** The builder; needs root. */
export class ImageBuilder {
  readonly #packages: DebianPackages;
  readonly #folder: string;

  /** @param folder for the images, which goes with them */
  constructor(packages: DebianPackages, folder: string) {
    this.#packages = packages;
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "storage.conf"),
      `[storage]\ndriver = "overlay"\ngraphroot = "${join(folder, "images")}"\nrunroot = "${join(folder, "run")}"\n`,
    );
  }

  /** Builds an image. What it has in common with one that was built is not built again. @throws Error with what the build said */
  async build({ containerfile, context, target, name, args = {}, mounts = {} }: Building): Promise<void> {
    await this.#buildah("build", [
      "--layers",
      // Commands of the build see the network of this machine, and its files only as they were copied.
      "--isolation=chroot",
      "--timestamp=0",
      `--file=${containerfile}`,
      `--target=${target}`,
      `--tag=${name}`,
      ...Object.entries(args).map(([key, value]) => `--build-arg=${key}=${value}`),
      ...Object.entries(mounts).map(([place, file]) => `--volume=${file}:${place}:ro`),
      context,
    ]);
  }

  /**
   * Writes images into one archive in OCI layout.
   *
   * @returns their digests, by name
   */
  async archive(names: readonly string[], file: string): Promise<Map<string, string>> {
    const layout = join(this.#folder, "layout");
    for (const name of names) await this.#buildah("push", [name, `oci:${layout}:${name}`]);
    await promisify(execFile)("tar", ["-C", layout, "-cf", file, "."]);
    const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as {
      manifests: { digest: string; annotations: Record<string, string> }[];
    };
    return new Map(
      manifests.map(({ digest, annotations }) => [annotations["org.opencontainers.image.ref.name"] as string, digest]),
    );
  }

  async #buildah(command: string, args: readonly string[]): Promise<void> {
    const { folder } = this.#packages;
    const containers = join(folder, "etc", "containers");
    const policy = `--signature-policy=${join(containers, "policy.json")}`;
    // It starts itself again, without the variables by which programs elsewhere find their libraries.
    const withPackages = 'mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr && exec "$@"';
    const env = {
      ...process.env,
      CONTAINERS_STORAGE_CONF: join(this.#folder, "storage.conf"),
      CONTAINERS_REGISTRIES_CONF: join(containers, "registries.conf"),
      CONTAINERS_CONF: join(folder, "usr", "share", "containers", "containers.conf"),
    };
    const command_ = ["sh", "-c", withPackages, folder, "buildah", command, policy, ...args];
    await promisify(execFile)("unshare", ["--mount", "--propagation=private", ...command_], {
      env,
      timeout: buildMs,
      maxBuffer: 64 * 1024 * 1024,
    });
  }
}
