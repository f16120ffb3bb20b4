import fc from "fast-check";
import { expect, test } from "vitest";
import { isOpen } from "./open-range.ts";

test.each(["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "*", "Internet", "Any", "0.0.0.0"])(
  "%s is open",
  (range) => {
    expect(isOpen(range)).toBe(true);
  },
);

test.each(["10.0.0.0/8", "203.0.113.7/32", "2001:db8::/32", "VirtualNetwork", "AzureLoadBalancer", "pl-1234", ""])(
  "%s is not",
  (range) => {
    expect(isOpen(range)).toBe(false);
  },
);

test("shorter than /8 is open, whatever the address", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, prefix) => {
      expect(isOpen(`${address}/${prefix}`)).toBe(prefix < 8);
    }),
  );
});
