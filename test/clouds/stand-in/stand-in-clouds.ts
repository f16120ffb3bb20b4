/** All clouds together: what requests about resources do, apart from how they come over the wire. */
import { createHash } from "node:crypto";
import { checkInputs, type Problem } from "../schema/check.ts";
import type { ResourceSchema } from "../schema/schema.ts";
import { Schemas } from "../schema/schemas.ts";
import { packageOf } from "../schema/sdk.ts";
import type { Cloud, Making } from "./clouds/cloud.ts";
import { clouds } from "./clouds/clouds.ts";
import { type Difference, differences, isReplacement } from "./differences.ts";
import { Faults, type Instruction } from "./faults.ts";
import { outputsInPreview, outputsOf } from "./outputs.ts";
import { Store, type Stored } from "./store.ts";
import { hashed, hasUnknown, inTheClear, restored, secretValue, unknown, type Values } from "./wire.ts";

/** What a resource is called. */
export interface Named {
  readonly token: string;
  /** Its name in the program. */
  readonly name: string;
}

/** A resource with its id. */
export interface Made {
  readonly id: string;
  readonly outputs: Values;
}

/** What {@link StandInClouds.read} finds. */
export interface Found extends Made {
  readonly inputs: Values;
}

/** A change as the engine is told of it. */
export interface Change extends Difference {
  readonly replaces: boolean;
}

/** A resource is there, but what it needs besides was not done: the engine keeps it and tries again. */
export class HalfMade extends Error {
  readonly made: Made;

  constructor(message: string, made: Made) {
    super(message);
    this.made = made;
  }
}

/**
 * Told of every resource that there is, with secrets in the clear, or is no more, with hashes in their place; what it waits for
 * the engine waits for.
 */
export interface Watcher {
  /** Gives back id and outputs in the place of those that would be made up, as far as it knows any. */
  put(resource: Named & { readonly inputs: Values }): Promise<Partial<Made> | undefined>;
  removed(resource: Named & { readonly inputs: Values }): Promise<void>;
  /** Outputs as they are now: null of what is gone, undefined of what it does not know. Default: it knows nothing. */
  seen?(resource: Named & { readonly inputs: Values }): Promise<Values | null | undefined>;
}

/** The clouds. Their state is in a folder; all else is forgotten when the process ends. */
export class StandInClouds {
  readonly faults = new Faults();
  /** Does what a cloud does with what it is given. Default: nothing. */
  watcher: Watcher | undefined;
  readonly #warnings = new Map<string, Named & Problem>();
  readonly schemas: Schemas;
  readonly #store: Store;

  constructor(folder: string, schemas = new Schemas()) {
    this.#store = new Store(folder);
    this.schemas = schemas;
  }

  /** Values of enums that the SDKs do not know, of all that was checked. */
  get warnings(): readonly (Named & Problem)[] {
    return [...this.#warnings.values()];
  }

  /** All that is there. */
  get resources(): readonly Stored[] {
    return this.#store.all();
  }

  /** Removes everything, whoever uses it. */
  clear(): void {
    for (const { token, id } of this.#store.all()) this.#store.remove(token, id);
    this.#warnings.clear();
    this.faults.clear();
  }

  /** Follows an instruction. */
  instruct(instruction: Instruction): void {
    if (instruction.what === "throttle" || instruction.what === "fail-halfway") return this.faults.add(instruction);
    const stored = this.#store.all().find(({ token, name }) => token === instruction.type && name === instruction.name);
    if (stored === undefined) throw new Error(`there is no ${instruction.type} called ${instruction.name}`);
    if (instruction.what === "vanish") return this.#store.remove(stored.token, stored.id);
    const { property, value } = instruction;
    const inputs = property in stored.inputs ? { ...stored.inputs, [property]: value } : stored.inputs;
    this.#store.put({ ...stored, inputs, outputs: { ...stored.outputs, [property]: value } });
  }

  /** The inputs with what is added to them, and what is wrong with them. */
  check(
    named: Named,
    before: Values,
    given: Values,
    seed: Uint8Array,
  ): { inputs: Values; problems: readonly Problem[] } {
    const { cloud, schema } = this.#know(named.token);
    if (schema === undefined && !custom(named.token)) {
      return { inputs: given, problems: [{ path: "type", reason: `the SDK has no resource type ${named.token}` }] };
    }
    const path = cloud.autoName(named.token, schema);
    const inputs = path === undefined ? given : withName(cloud, named.name, path, before, given, seed);
    if (schema === undefined) return { inputs, problems: customProblems(inputs) };
    const { problems, warnings } = checkInputs(schema, inputs);
    for (const warning of warnings) this.#warnings.set(JSON.stringify([named, warning.path]), { ...named, ...warning });
    return { inputs, problems };
  }

  /** What would change. */
  diff(token: string, before: Values, after: Values): Change[] {
    const { cloud, schema } = this.#know(token);
    const createOnly = cloud.createOnly(token, schema);
    return differences(before, after).map((difference) => ({
      ...difference,
      replaces: isReplacement(difference, createOnly),
    }));
  }

  /** Whether a replacement has to delete the old one first: both would have the same name. */
  sameName(token: string, before: Values, after: Values): boolean {
    const { cloud, schema } = this.#know(token);
    const making = (inputs: Values): Making => ({
      token,
      name: "",
      schema,
      inputs: inTheClear(inputs),
      seed: "",
      before: {},
    });
    const occupied = cloud.occupies(making(before));
    return !hasUnknown(after) && occupied !== undefined && occupied === cloud.occupies(making(after));
  }

  /** Makes a resource; in a preview only says what is known of it before. */
  async create(named: Named, given: Values, preview: boolean): Promise<Made> {
    const { cloud, schema } = this.#know(named.token);
    const seed = createHash("sha256").update(`${named.token} ${named.name} ${crypto.randomUUID()}`).digest("hex");
    const making: Making = { ...named, schema, inputs: inTheClear(given), seed, before: {} };
    if (preview) return { id: "", outputs: outputsInPreview(making, given) };
    this.#throttle(named.token);
    const occupied = cloud.occupies(making);
    const occupant = occupied === undefined ? undefined : this.#store.occupant(named.token, occupied);
    if (occupant !== undefined)
      throw new Error(`${named.token} ${named.name}: there is ${occupant.id} already, made as ${occupant.name}`);
    const told = await this.watcher?.put(making);
    const id = told?.id ?? cloud.id(making);
    const outputs = await outputsOf(cloud, { ...making, id }, given, told?.outputs);
    this.#put({ ...making, id }, given, outputs, cloud);
    if (this.faults.failsHalfway())
      throw new HalfMade(`${named.token} ${named.name}: it was made as ${id}, and did not become ready`, {
        id,
        outputs,
      });
    return { id, outputs };
  }

  /** Changes a resource; in a preview only says what it would be. */
  async update(named: Named, id: string, outputs: Values, given: Values, preview: boolean): Promise<Values> {
    const { cloud, schema } = this.#know(named.token);
    const stored = this.#store.get(named.token, id);
    // State of another time is previewed too, without anything of it being here.
    const seed = stored?.seed ?? id;
    const making: Making = { ...named, schema, inputs: inTheClear(given), seed, before: outputs };
    if (preview && hasUnknown(given)) return outputsInPreview(making, given);
    if (!preview) {
      this.#throttle(named.token);
      if (stored === undefined) throw new Error(`${named.token} ${named.name}: there is none with the id ${id}`);
      const why = cloud.refuses?.(named.token, stored.inputs, making.inputs);
      if (why !== undefined) throw new Error(`${named.token} ${named.name}: ${why}`);
    }
    const told = preview ? undefined : await this.watcher?.put(making);
    const made = await outputsOf(cloud, { ...making, id }, given, told?.outputs);
    if (!preview) this.#put({ ...making, id }, given, made, cloud);
    return made;
  }

  /** Has the watcher look at a resource before it is read. */
  async look(token: string, id: string): Promise<void> {
    const stored = this.#store.get(token, id);
    const live = stored && (await this.watcher?.seen?.(stored));
    if (stored === undefined || live === undefined) return;
    if (live === null) this.#store.remove(token, id);
    else this.#store.put({ ...stored, outputs: { ...stored.outputs, ...live } });
  }

  /** What is there now; undefined when there is nothing. Secrets are those that were known, if they are still the same. */
  read(token: string, id: string, outputs: Values, inputs: Values): Found | undefined {
    const stored = this.#store.get(token, id);
    if (stored === undefined) return undefined;
    return {
      id,
      outputs: restored(stored.outputs, outputs) as Values,
      inputs: restored(stored.inputs, inputs) as Values,
    };
  }

  /** Deletes a resource and what is inside it. One that is gone is no problem. */
  delete({ token, name }: Named, id: string): Promise<void> {
    const { cloud } = this.#know(token);
    this.#throttle(token);
    const stored = this.#store.get(token, id);
    if (stored === undefined) return Promise.resolve();
    const inside = this.#store.all().filter((other) => cloud.contains?.(id, other.id));
    const use = this.#store.userOf(stored, inside);
    if (use !== undefined) {
      throw new Error(
        `${token} ${name}: ${id} is in use by ${use.user.token} ${use.user.name} (${use.path}); delete that first`,
      );
    }
    const gone = [stored, ...inside];
    for (const each of gone) this.#store.remove(each.token, each.id);
    return this.#removed(gone);
  }

  async #removed(gone: readonly Stored[]): Promise<void> {
    for (const each of gone) await this.watcher?.removed(each);
  }

  #put(making: Making & { readonly id: string }, inputs: Values, outputs: Values, cloud: Cloud): void {
    const { token, name, id, seed } = making;
    const handles = cloud.handles(id, inTheClear(outputs));
    const occupied = cloud.occupies(making);
    const occupies = occupied === undefined ? {} : { occupies: occupied };
    this.#store.put({ token, name, id, seed, ...occupies, inputs: hashed(inputs), outputs: hashed(outputs), handles });
  }

  #throttle(token: string): void {
    if (this.faults.throttled(token)) throw new Error(`${token}: too many requests, try again later`);
  }

  #know(token: string): { readonly cloud: Cloud; readonly schema: ResourceSchema | undefined } {
    const name = packageOf(token);
    if (name === undefined) throw new Error(`${token} is of no package that the stand-in serves`);
    return { cloud: clouds[name], schema: this.schemas.of(token) };
  }
}

/** A kind that no SDK declares because a custom resource definition does. */
function custom(token: string): boolean {
  const [name, group = ""] = token.split(":");
  return name === "kubernetes" && group.includes(".");
}

function customProblems(inputs: Values): Problem[] {
  return ["apiVersion", "kind", "metadata"].flatMap((path) =>
    secretValue(inputs[path]) === undefined ? [{ path, reason: "is missing; every object has it" }] : [],
  );
}

/** Gives a resource that has no name one: the one that it had, or one from the engine's seed. */
function withName(cloud: Cloud, name: string, path: string, before: Values, given: Values, seed: Uint8Array): Values {
  const [first = "", second] = path.split(".");
  const inside = (values: Values): unknown => {
    const outer = secretValue(values[first]);
    return second === undefined ? outer : (outer as Values | undefined)?.[second];
  };
  if (inside(given) !== undefined || secretValue(given[first]) === unknown) return given;
  const suffix = (length: number) => createHash("sha256").update(seed).digest("hex").slice(0, length);
  const old = inside(before);
  const generated = cloud.nameFrom(name, suffix(8));
  // Only a name that was generated is taken over.
  const sameKind = typeof old === "string" && old.length === generated.length && old.startsWith(generated.slice(0, -8));
  const chosen = sameKind ? old : generated;
  return {
    ...given,
    [first]:
      second === undefined
        ? chosen
        : { ...((secretValue(given[first]) as Values | undefined) ?? {}), [second]: chosen },
  };
}
