import fc from "fast-check";
import { expect, test } from "vitest";
import { typesafeConfig } from "../../../test/typesafe-config/typesafe-config.ts";
import { FromEnvironment, type HoconValue, renderHocon } from "./hocon.ts";

const library = await typesafeConfig();
const read = typeof library === "function" ? library : undefined;
if (typeof library !== "function") {
  console.warn(`SKIPPED: no library that reads HOCON, so what is written is not read by it: ${library.unavailable}`);
}

const value = fc.letrec<{ value: HoconValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.boolean(),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.string({ unit: "binary", minLength: 1 }), tie("value"), { maxKeys: 3 }),
  ),
})).value;
const configurations = fc.dictionary(fc.string({ unit: "binary", minLength: 1 }), value, { minKeys: 1, maxKeys: 4 });

test("what has no variable in it is JSON, whatever it is", () => {
  fc.assert(
    fc.property(configurations, (given) => {
      expect(JSON.parse(renderHocon(given))).toEqual(given);
    }),
  );
});

test.runIf(read)(
  "Canton's library reads what was meant, whatever texts and keys there are",
  async () => {
    const given = fc.sample(configurations, 500);
    const texts = given.map((each) => renderHocon(each));
    const found = await read?.(texts);
    expect(found).toEqual(given.map((each) => ({ ...each })));
  },
  60_000,
);

test.runIf(read)(
  "a variable is what the environment says, and in a text it is text",
  async () => {
    const store = { password: new FromEnvironment("STORE_PASSWORD"), user: "${STORE_PASSWORD}", url: undefined };
    const found = await read?.([renderHocon({ store })], {
      STORE_PASSWORD: 'a"b\\c',
    });
    expect(found).toEqual([{ store: { password: 'a"b\\c', user: "${STORE_PASSWORD}" } }]);
  },
  60_000,
);

test("a variable is named without quotes, and what is undefined is left out", () => {
  expect(renderHocon({ store: { password: new FromEnvironment("STORE_PASSWORD"), url: undefined } })).toBe(
    '{\n  "store": {\n    "password": ${STORE_PASSWORD}\n  }\n}',
  );
  expect(() => new FromEnvironment("a}b")).toThrow(/got "a}b"; expected a variable/);
});
