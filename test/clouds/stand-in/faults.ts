/** What goes wrong in the stand-in's clouds when it is told so. */
import { z } from "zod";

/** Instructions, each good until it was followed. */
export const instruction = z.discriminatedUnion("what", [
  /** The next requests that change something of a type are refused for being too many. */
  z.strictObject({ what: z.literal("throttle"), times: z.int().min(1), type: z.string().optional() }),
  /** After so many more creations one fails, when the resource is half there: it has an id and is kept. */
  z.strictObject({ what: z.literal("fail-halfway"), after: z.int().min(0) }),
  /** Somebody changes a property of a resource, which has this name in the program. */
  z.strictObject({
    what: z.literal("drift"),
    type: z.string(),
    name: z.string(),
    property: z.string(),
    value: z.unknown(),
  }),
  /** Somebody deletes a resource. */
  z.strictObject({ what: z.literal("vanish"), type: z.string(), name: z.string() }),
]);
/** See {@link instruction}. */
export type Instruction = z.infer<typeof instruction>;

/** Those that wait for a request. */
export class Faults {
  #throttles: { times: number; readonly type: string | undefined }[] = [];
  #creationsLeft: number | undefined;

  add(given: Instruction): void {
    if (given.what === "throttle") this.#throttles.push({ times: given.times, type: given.type });
    if (given.what === "fail-halfway") this.#creationsLeft = given.after;
  }

  /** Forgets all that was not followed. */
  clear(): void {
    this.#throttles = [];
    this.#creationsLeft = undefined;
  }

  /** Whether this request is one too many. */
  throttled(token: string): boolean {
    const throttle = this.#throttles.find(({ times, type }) => times > 0 && (type === undefined || type === token));
    if (throttle === undefined) return false;
    throttle.times -= 1;
    return true;
  }

  /** Whether this creation is the one that fails. */
  failsHalfway(): boolean {
    if (this.#creationsLeft === undefined) return false;
    this.#creationsLeft -= 1;
    if (this.#creationsLeft >= 0) return false;
    this.#creationsLeft = undefined;
    return true;
  }
}
