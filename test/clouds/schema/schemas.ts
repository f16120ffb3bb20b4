/** Schemas of resource types, read from the SDKs when they are asked for and kept for the next time. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDirectory } from "../../../scripts/environment/paths.ts";
import { extract } from "./extract.ts";
import type { ResourceSchema } from "./schema.ts";
import { declarationOf, packageOf, type Sdk, sdkOf } from "./sdk.ts";

/** What is kept is good for as long as the reader is the same. */
const reader = createHash("sha256")
  .update(readFileSync(join(import.meta.dirname, "extract.ts")))
  .digest("hex")
  .slice(0, 12);

/** Schemas by token, kept in a folder by the version of the SDK. */
export class Schemas {
  readonly #folder: string;
  readonly #known = new Map<string, ResourceSchema | undefined>();
  readonly #sdks = new Map<string, Sdk>();

  /** @param folder where they are kept. Default: in the folder that all clones of a user share. */
  constructor(folder = join(cacheDirectory(process.env), "schemas")) {
    this.#folder = folder;
  }

  /** The schema of a type; undefined when its SDK does not have it. */
  of(token: string): ResourceSchema | undefined {
    if (this.#known.has(token)) return this.#known.get(token);
    const schema = this.#load(token);
    this.#known.set(token, schema);
    return schema;
  }

  /** Version of the SDK of a type's package. */
  sdk(token: string): Sdk | undefined {
    const name = packageOf(token);
    if (name === undefined) return undefined;
    const sdk = this.#sdks.get(name) ?? sdkOf(name);
    this.#sdks.set(name, sdk);
    return sdk;
  }

  #load(token: string): ResourceSchema | undefined {
    const sdk = this.sdk(token);
    if (sdk === undefined) return undefined;
    const file = join(this.#folder, `${sdk.name}-${sdk.version}-${reader}`, `${encodeURIComponent(token)}.json`);
    try {
      return JSON.parse(readFileSync(file, "utf8")) as ResourceSchema;
    } catch {
      // Not there yet.
    }
    const declaration = declarationOf(sdk, token);
    if (declaration === undefined) return undefined;
    const schema = extract(sdk, token, declaration);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(schema));
    renameSync(`${file}.${process.pid}`, file);
    return schema;
  }
}
