/**
 * From a step engine (observe, plan, apply; knows no Pulumi) to what Pulumi calls of a dynamic resource.
 *
 * In the state lie the inputs, what the engine gave out, and `drift`: a sentence, present when what was found differs from
 * what the inputs ask for in a way that no input shows, or could not be looked at. A resource with drift is updated.
 */
import { isDeepStrictEqual } from "node:util";

/** What a look at the real thing found. */
export type Seen<Inputs, Outputs> =
  /** It is gone: the next update makes it again. */
  | { readonly is: "absent" }
  /** It is there. `inputs` tells inputs that are found to be different; `drift` any other difference. */
  | {
      readonly is: "present";
      readonly inputs?: Partial<Inputs>;
      readonly outputs?: Partial<Outputs>;
      readonly drift?: string;
    }
  /** It cannot be looked at now: the resource stays as it was. */
  | { readonly is: "unreachable"; readonly why: string };

/** An input that is not accepted, told before anything is done. */
export interface Problem {
  /** The input. */
  readonly property: string;
  /** What it got and what is accepted. */
  readonly reason: string;
}

/** What a kind of resource has to offer. */
export interface StepEngine<Inputs extends object, Outputs extends object> {
  /** Names of all inputs. */
  readonly inputs: readonly (keyof Inputs & string)[];
  /** Inputs whose change makes it another thing: it is replaced, the old one deleted first. */
  readonly identity: readonly (keyof Inputs & string)[];
  /** The id that the state knows it by. */
  id(inputs: Inputs): string;
  /**
   * What is wrong with the inputs; those that a preview does not know yet are left out. Pure.
   *
   * @param before the inputs of the last update; undefined for a new resource
   */
  check?(
    inputs: Partial<Inputs>,
    before: Partial<Inputs> | undefined,
  ): readonly Problem[] | Promise<readonly Problem[]>;
  /**
   * Brings about what the inputs ask for, whatever is there. Throws `Incomplete` once anything was submitted.
   *
   * @param known what it gave out before; undefined for a new resource
   */
  converge(inputs: Inputs, known: Partial<Outputs> | undefined): Promise<Outputs>;
  /** Looks, changes nothing. */
  observe(inputs: Inputs, outputs: Outputs): Promise<Seen<Inputs, Outputs>>;
  /** Undoes it; well when it is not there. */
  remove(inputs: Inputs, outputs: Outputs): Promise<void>;
}

/** Stopped half-way: something was submitted, so the state must know of it. Its message says what is missing and what to do. */
export class Incomplete extends Error {
  override readonly name = "Incomplete";
  /** What the resource gives out so far. */
  readonly outputs: object;

  constructor(message: string, outputs: object = {}) {
    super(message);
    this.outputs = outputs;
  }
}

/** What Pulumi shows as unknown in a preview. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

type State = Record<string, unknown>;

/** The part of Pulumi's provider interface that step engines serve. */
export interface StepProvider {
  check(olds: State, news: State): Promise<{ inputs: State; failures: { property: string; reason: string }[] }>;
  diff(
    id: string,
    olds: State,
    news: State,
  ): Promise<{ changes: boolean; replaces: string[]; deleteBeforeReplace: boolean }>;
  create(inputs: State): Promise<{ id: string; outs: State }>;
  read(id: string, state: State): Promise<{ id?: string; props?: State; inputs?: State }>;
  update(id: string, olds: State, news: State): Promise<{ outs: State }>;
  delete(id: string, state: State): Promise<void>;
}

/**
 * Equal for the purpose of a preview: what is not known yet counts as unchanged. Updates seldom change what others take
 * from a resource; when one does, the update itself compares again with everything known.
 */
export function sameOrUnknown(before: unknown, after: unknown): boolean {
  if (after === unknown) return true;
  if (Array.isArray(before) && Array.isArray(after)) {
    return before.length === after.length && before.every((value, index) => sameOrUnknown(value, after[index]));
  }
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].every((key) => sameOrUnknown(before[key], after[key]));
  }
  return isDeepStrictEqual(before, after);
}

function hasUnknown(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(hasUnknown);
  return value === unknown;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Makes a provider of a step engine. */
export function stepProvider<Inputs extends object, Outputs extends object>(
  engine: StepEngine<Inputs, Outputs>,
): StepProvider {
  const inputsOf = (state: State): Inputs =>
    Object.fromEntries(engine.inputs.flatMap((key) => (state[key] === undefined ? [] : [[key, state[key]]]))) as Inputs;
  const outputsOf = (state: State): Outputs =>
    Object.fromEntries(
      Object.entries(state).filter(([key]) => !(engine.inputs as readonly string[]).includes(key) && !internal(key)),
    ) as Outputs;
  const converge = async (news: State, olds?: State): Promise<{ id: string; outs: State }> => {
    const inputs = inputsOf(news);
    const id = engine.id(inputs);
    const known = olds && outputsOf(olds);
    try {
      return { id, outs: { ...inputs, ...(await engine.converge(inputs, known)) } as State };
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      const { message, outputs } = error;
      throw Object.assign(new Error(message), {
        id,
        properties: { ...known, ...news, ...outputs, drift: firstLine(message) },
        reasons: [message],
      });
    }
  };
  return {
    check: async (olds, news) => {
      const known = Object.fromEntries(Object.entries(inputsOf(news)).filter(([, value]) => !hasUnknown(value)));
      const before = Object.keys(olds).length === 0 ? undefined : inputsOf(olds);
      return { inputs: news, failures: [...((await engine.check?.(known as Partial<Inputs>, before)) ?? [])] };
    },
    diff: async (_id, olds, news) => {
      const changed = engine.inputs.filter((key) => !sameOrUnknown(olds[key], news[key]));
      return {
        changes: changed.length > 0 || olds["drift"] !== undefined,
        replaces: changed.filter((key) => engine.identity.includes(key)),
        deleteBeforeReplace: true,
      };
    },
    create: converge,
    read: quietly(async (id, state) => {
      const inputs = inputsOf(state);
      const outputs = outputsOf(state);
      const seen = await engine
        .observe(inputs, outputs)
        .catch((error: Error): Seen<Inputs, Outputs> => ({ is: "unreachable", why: error.message }));
      if (seen.is === "absent") return {};
      const drift = seen.is === "unreachable" ? `could not be looked at: ${firstLine(seen.why)}` : seen.drift;
      const found = seen.is === "present" ? { ...inputs, ...seen.inputs } : inputs;
      const out = seen.is === "present" ? { ...outputs, ...seen.outputs } : outputs;
      const shown = (drift === undefined ? found : { ...found, drift }) as State;
      return { id, props: { ...out, ...shown }, inputs: { ...shown } };
    }),
    update: async (_id, olds, news) => ({ outs: (await converge(news, olds)).outs }),
    delete: quietly((_id, state) => engine.remove(inputsOf(state), outputsOf(state))),
  };
}

function internal(key: string): boolean {
  return key === "drift" || key === "__provider";
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}

/** Errors without a stack: Pulumi prints the stack of what read and delete throw, where the message is meant for people. */
function quietly<Result>(
  work: (id: string, state: State) => Promise<Result>,
): (id: string, state: State) => Promise<Result> {
  return async (id, state) => {
    try {
      return await work(id, state);
    } catch (error) {
      const quiet = error instanceof Error ? error : new Error(String(error));
      quiet.stack = "";
      throw quiet;
    }
  };
}
