import fc from "fast-check";
import { expect, test } from "vitest";
import { FromEnvironment, type HoconValue, renderHocon } from "./hocon.ts";

test("what has no variable in it is JSON, whatever it is", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })), (value) => {
      const withoutNull = JSON.parse(JSON.stringify(value), (_, each) => (each === null ? 0 : each));
      expect(JSON.parse(renderHocon(withoutNull as HoconValue))).toEqual(withoutNull);
    }),
  );
});

test("a variable is named without quotes, and what is undefined is left out", () => {
  expect(renderHocon({ store: { password: new FromEnvironment("STORE_PASSWORD"), user: "u", url: undefined } })).toBe(
    '{\n  "store": {\n    "password": ${STORE_PASSWORD},\n    "user": "u"\n  }\n}',
  );
  expect(() => new FromEnvironment("a}b")).toThrow(/got "a}b"; expected a variable/);
});
