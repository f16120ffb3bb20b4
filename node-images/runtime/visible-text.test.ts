import fc from "fast-check";
import { expect, test } from "vitest";
import { visibleLayout, visibleText } from "./visible-text.ts";

const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 1_000) };
const text = fc.string({ unit: "binary" });

test("nothing steers a terminal: no control characters, none that turn the direction, and no second line", () => {
  const hostile = "mine\x1b[2K\x9b1A\r\n  2. \u202eyours\u2028\u200b";
  expect(visibleText(hostile)).toBe("mine\\u{1b}[2K\\u{9b}1A\\u{d}\\u{a}  2. \\u{202e}yours\\u{2028}\\u{200b}");
  fc.assert(
    fc.property(text, (any) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(visibleText(any))),
    runs,
  );
});

test("what is laid out keeps lines, tabs and colours, and nothing else", () => {
  expect(visibleLayout("a\n\tb \x1b[1mbold\x1b[0m \x1b[2J\x1b]0;title\x07")).toBe(
    "a\n\tb \x1b[1mbold\x1b[0m \\u{1b}[2J\\u{1b}]0;title\\u{7}",
  );
  const kept = (any: string) => any.replace(/\x1b\[[0-9;]*m|[\n\t]/g, "");
  fc.assert(
    fc.property(text, (any) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(kept(visibleLayout(any)))),
    runs,
  );
});

test("letters of any language, digits and signs stay as they are", () => {
  const names = "Zürich, 東京, القاهرة: a-b_c.d @ 50 % €";
  expect(visibleText(names)).toBe(names);
});
