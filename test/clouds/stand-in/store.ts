/** What is there in the stand-in's clouds: a file for each resource, so that it outlives the process. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Values } from "./wire.ts";

/** A resource as it is kept: with hashes in the place of secrets. */
export interface Stored {
  readonly token: string;
  readonly id: string;
  /** Name in the program that made it. */
  readonly name: string;
  readonly seed: string;
  /** What nothing else of its type can have. */
  readonly occupies?: string;
  readonly inputs: Values;
  readonly outputs: Values;
  /** What others use it by. */
  readonly handles: readonly string[];
}

/** All resources of all clouds. */
export class Store {
  readonly #folder: string;
  readonly #resources = new Map<string, Stored>();

  /** @param folder where they are kept; what another process left there is taken over */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder).filter((each) => each.endsWith(".json"))) {
      const stored = JSON.parse(readFileSync(join(folder, name), "utf8")) as Stored;
      this.#resources.set(keyOf(stored.token, stored.id), stored);
    }
  }

  get(token: string, id: string): Stored | undefined {
    return this.#resources.get(keyOf(token, id));
  }

  /** The resource that occupies something. */
  occupant(token: string, occupied: string): Stored | undefined {
    return this.all().find((stored) => stored.token === token && stored.occupies === occupied);
  }

  all(): Stored[] {
    return [...this.#resources.values()];
  }

  put(stored: Stored): void {
    const file = this.#file(stored.token, stored.id);
    writeFileSync(`${file}.new`, JSON.stringify(stored, undefined, 1));
    renameSync(`${file}.new`, file);
    this.#resources.set(keyOf(stored.token, stored.id), stored);
  }

  remove(token: string, id: string): void {
    rmSync(this.#file(token, id), { force: true });
    this.#resources.delete(keyOf(token, id));
  }

  /** The first resource, if there is one, that cannot do without another, and by which of its inputs it uses that. */
  userOf(used: Stored, except: readonly Stored[]): { readonly user: Stored; readonly path: string } | undefined {
    for (const user of this.#resources.values()) {
      if (user === used || except.includes(user)) continue;
      const path = useIn(user.inputs, used);
      if (path !== undefined) return { user, path };
    }
    return undefined;
  }

  #file(token: string, id: string): string {
    return join(this.#folder, `${createHash("sha256").update(keyOf(token, id)).digest("hex").slice(0, 32)}.json`);
  }
}

function keyOf(token: string, id: string): string {
  return `${token} ${id}`;
}

/** The path of an input that is the id of another resource. */
function useIn(inputs: Values, used: Stored): string | undefined {
  const telling = [used.id, ...used.handles].filter(onlyOne);
  const kind = (used.token.split(":").at(-1) ?? "").replace(/V\d$/, "").toLowerCase();
  const search = (value: unknown, path: string, property: string): string | undefined => {
    if (typeof value === "string") {
      // A name may be that of several things: it is a use where the input is called after the kind.
      const named = value === used.id && !onlyOne(used.id) && property.toLowerCase().includes(kind);
      return named || telling.includes(value) ? path : undefined;
    }
    if (typeof value !== "object" || value === null) return undefined;
    for (const [key, item] of Object.entries(value)) {
      // Whom a binding of Kubernetes gives rights to need not be there.
      if (key === "subjects") continue;
      const index = Array.isArray(value);
      const found = search(
        item,
        index ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`,
        index ? property : key,
      );
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(inputs, "", "");
}

/** Whether nothing else can have the same id. */
function onlyOne(id: string): boolean {
  return /[:/]|-[0-9a-f]{8,}$|^[0-9a-f-]{36}$|^Z[0-9A-F]{10,}$/.test(id);
}
