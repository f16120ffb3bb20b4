/** The kernel's group that the processes of a cluster's pods are in: of one kernel for all, so it is removed by hand. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const mounted = "/sys/fs/cgroup";
/** Longest time until the processes of a group have ended. */
const endMs = 20_000;

/** A group, in every hierarchy that there is. */
export class ControlGroup {
  /** Its path below the root of each. */
  readonly path = `/pulumi-canton-${randomBytes(4).toString("hex")}`;

  /** Makes one; needs root. */
  static create(): ControlGroup {
    const group = new ControlGroup();
    for (const folder of group.#folders) mkdirSync(folder, { recursive: true });
    // A group of processors is empty until it is told which it has.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const all = join(mounted, "cpuset", file);
      if (existsSync(all)) writeFileSync(join(mounted, "cpuset", group.path, file), readFileSync(all));
    }
    return group;
  }

  /** Removes it when the last process in it has ended. */
  async remove(): Promise<void> {
    const deadline = Date.now() + endMs;
    for (const folder of this.#folders) {
      while (existsSync(folder)) {
        try {
          removeTree(folder);
        } catch (error) {
          if (Date.now() > deadline) throw error;
          await delay(100);
        }
      }
    }
  }

  get #folders(): string[] {
    // Version 2 has one hierarchy, version 1 one for each controller.
    const unified = existsSync(join(mounted, "cgroup.controllers"));
    const roots = unified ? [mounted] : readdirSync(mounted).map((controller) => join(mounted, controller));
    return roots.map((root) => join(root, this.path));
  }
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  }
  rmdirSync(folder);
}
