import { expect, test } from "vitest";
import { isMet, median } from "./measurement.ts";

test("the median is the middle sample, of an even number the mean of the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([10, 1, 2, 3])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test("a goal is a bound from above or from below, and includes its own value", () => {
  expect(isMet(1.5, { atMost: 1.5 })).toBe(true);
  expect(isMet(1.51, { atMost: 1.5 })).toBe(false);
  expect(isMet(0.5, { atLeast: 0.5 })).toBe(true);
  expect(isMet(0.49, { atLeast: 0.5 })).toBe(false);
});
