import { describe, expect, test } from "vitest";
import { stateFrom } from "./node-state.ts";

describe("stateFrom", () => {
  test.each([
    [{ alive: true, ready: true, active: true }, "ready"],
    [{ alive: true, ready: true, active: false }, "passive"],
    [{ alive: true, ready: false, active: true }, "starting"],
    [{ alive: true, ready: undefined, active: undefined }, "starting"],
    [{ alive: false, ready: true, active: undefined }, "starting"],
    [{ alive: false, ready: undefined, active: undefined }, "down"],
  ] as const)("%o is %s", (sighting, state) => {
    expect(stateFrom(sighting)).toBe(state);
  });
});
