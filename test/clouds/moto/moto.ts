/**
 * AWS as moto plays it, beside the stand-in: what a stack makes of AWS is made there too, by real API calls whose parameters
 * botocore's models check. Ids, ARNs and the like are moto's from then on.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { typeIn } from "../stand-in/clouds/cloud.ts";
import type { Made, Named, Watcher } from "../stand-in/stand-in-clouds.ts";
import type { Values } from "../stand-in/wire.ts";

/** A resource as moto's API describes it, compared with what it was asked for. */
export interface Comparison {
  readonly type: string;
  readonly name: string;
  /** Parameters that were compared, by the names of the API. */
  readonly compared: readonly string[];
  readonly differences: readonly string[];
}

/** The types that are known. */
export interface Types {
  readonly made: readonly string[];
  /** Those whose inputs are only checked, and whether moto could make them by now. */
  readonly unmade: Readonly<Record<string, boolean>>;
}

/** moto in a process of its own, empty at first. */
export class Moto implements Watcher, AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #region: string;
  #stderr = "";
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param python with moto
   * @param region that a resource is in which names none
   */
  constructor(python: string, region: string) {
    this.#region = region;
    this.#process = spawn(python, ["-B", join(import.meta.dirname, "main.py")], { stdio: ["pipe", "pipe", "pipe"] });
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    const lines: Interface = createInterface({ input: this.#process.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** @throws Error with what botocore, moto or this has against it */
  async put({ token, name, inputs }: Named & { readonly inputs: Values }): Promise<Partial<Made> | undefined> {
    if (!token.startsWith("aws:")) return undefined;
    const { id, outputs } = await this.#ask<{ id: string | null; outputs: Values }>({
      what: "put",
      ...this.#of({ token, name }),
      inputs,
    });
    return { ...(id !== null && { id }), outputs };
  }

  async removed({ token, name }: Named): Promise<void> {
    if (token.startsWith("aws:")) await this.#ask({ what: "remove", ...this.#of({ token, name }) });
  }

  /** What moto says of all that there is and that it can describe. */
  compare(): Promise<Comparison[]> {
    return this.#ask({ what: "compare" });
  }

  /** Makes what a stack finds. */
  surroundings(): Promise<{ readonly administrator: string; readonly certificate: string }> {
    return this.#ask({ what: "surroundings", region: this.#region });
  }

  types(): Promise<Types> {
    return this.#ask({ what: "types" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  #of({ token, name }: Named): { readonly type: string; readonly name: string; readonly region: string } {
    return { type: typeIn(token), name, region: this.#region };
  }

  /** One at a time: answers come in the order of the requests. */
  #ask<T>(request: Readonly<Record<string, unknown>>): Promise<T> {
    const asked = this.#last.then(async () => {
      this.#process.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`moto ended:\n${this.#stderr}`);
      const { answer, error } = JSON.parse(value) as { answer: T; error?: string };
      if (error !== undefined) throw new Error(`moto: ${request["type"]} ${request["name"]}: ${error}`);
      return answer;
    });
    this.#last = asked.catch(() => {});
    return asked;
  }
}
