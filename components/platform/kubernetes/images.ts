/** The images that a platform runs. Pure. */
import type { Role } from "../platform.ts";

/** Whose nodes: ours, or Canton's own. */
export type Flavour = "pulumi-canton" | "canton";

/** Images by role, and of the program that makes databases, which is ours in any case. */
export interface NodeImages {
  readonly flavour: Flavour;
  /** Example: `{ participant: "registry.example.com/canton/participant@sha256:…" }`. */
  readonly nodes: Partial<Readonly<Record<Role, string>>>;
  readonly databaseSetup: string;
  /** Secrets of the namespace with the logins of the registry. Default: none. */
  readonly pullSecrets?: readonly string[];
}

/** What an image is that nobody can put another in the place of. */
const pinned = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** The images that are not named by their digest. */
export function unpinned({ nodes, databaseSetup }: Pick<NodeImages, "nodes" | "databaseSetup">): string[] {
  return [...Object.values(nodes), databaseSetup].filter((image) => !pinned.test(image));
}

/**
 * The image of a role.
 *
 * @throws Error naming the key that is missing
 */
export function imageOf(images: NodeImages, role: Role): string {
  const image = images.nodes[role];
  if (image === undefined) throw new Error(`images.nodes.${role}: is missing; expected the image of a ${role}`);
  return image;
}
