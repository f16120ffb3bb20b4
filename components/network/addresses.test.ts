import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { divide, overlap, whyNoCidr } from "./addresses.ts";

/** Ranges in notation, with their first and last address as numbers. */
const blocks = fc.tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => {
  const size = 2 ** (32 - prefix);
  const first = address - (address % size);
  return { cidr: `${dotted(first)}/${prefix}`, first, last: first + size - 1, prefix };
});

/** A network and parts of it that may or may not fit. */
const divisions = fc.tuple(
  blocks.filter(({ prefix }) => prefix <= 24),
  fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 6 }),
);

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

function bounds(cidr: string): { readonly first: number; readonly last: number; readonly prefix: number } {
  const [address = "", prefix] = cidr.split("/");
  const first = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  return { first, last: first + 2 ** (32 - Number(prefix)) - 1, prefix: Number(prefix) };
}

/** Parts of a network, each smaller by so many bits. */
function parts(networkPrefix: number, smaller: readonly number[]) {
  return smaller.map((bits, index) => ({ name: `part${index}`, prefix: networkPrefix + bits }));
}

/** What a division gives, or undefined where the parts do not fit. */
function divided(network: string, ranges: readonly { readonly name: string; readonly prefix: number }[]) {
  try {
    return divide(network, ranges);
  } catch (error) {
    expect((error as Error).message).toMatch(
      /is too small: "part\d+" \(\/\d+\) does not fit; expected a larger network$/,
    );
    return undefined;
  }
}

describe("divide", () => {
  test("every part lies in the network, has its size, begins where its size allows it, and overlaps no other", () => {
    fc.assert(
      fc.property(divisions, ([network, smaller]) => {
        const ranges = parts(network.prefix, smaller);
        const result = divided(network.cidr, ranges);
        if (result === undefined) return;
        const found = ranges.map(({ name }) => bounds(result[name] as string));
        found.forEach((part, index) => {
          expect(part.prefix).toBe(ranges[index]?.prefix);
          expect(part.first).toBeGreaterThanOrEqual(network.first);
          expect(part.last).toBeLessThanOrEqual(network.last);
          expect(part.first % 2 ** (32 - part.prefix)).toBe(0);
          for (const other of found.slice(index + 1)) expect(part.last).toBeLessThan(other.first);
        });
      }),
    );
  });

  test("a part that is appended moves none that was there before", () => {
    fc.assert(
      fc.property(divisions, ([network, smaller]) => {
        const all = divided(network.cidr, parts(network.prefix, smaller));
        if (all === undefined) return;
        for (let count = 1; count < smaller.length; count++) {
          const fewer = divided(network.cidr, parts(network.prefix, smaller.slice(0, count)));
          expect(all).toMatchObject(fewer as object);
        }
      }),
    );
  });

  test("parts that are laid out from large to small fit as long as their sum does", () => {
    fc.assert(
      fc.property(divisions, ([network, smaller]) => {
        const sorted = [...smaller].sort((a, b) => a - b);
        const share = sorted.reduce((sum, bits) => sum + 2 ** -bits, 0);
        expect(divided(network.cidr, parts(network.prefix, sorted)) !== undefined).toBe(share <= 1);
      }),
    );
  });

  test("what it gives", () => {
    const ranges = [
      { name: "small", prefix: 28 },
      { name: "large", prefix: 18 },
      { name: "next", prefix: 24 },
    ] as const;
    expect(divide("10.20.0.0/16", ranges)).toEqual({
      small: "10.20.0.0/28",
      large: "10.20.64.0/18",
      next: "10.20.128.0/24",
    });
    expect(divide("255.255.255.0/24", [{ name: "whole", prefix: 24 }])).toEqual({ whole: "255.255.255.0/24" });
  });

  test("what does not fit is named, and so is a name that comes twice", () => {
    const half = { prefix: 25 };
    expect(() =>
      divide("10.0.0.0/24", [
        { name: "a", ...half },
        { name: "b", ...half },
        { name: "c", ...half },
      ]),
    ).toThrow('10.0.0.0/24 is too small: "c" (/25) does not fit; expected a larger network');
    expect(() => divide("10.0.0.0/24", [{ name: "a", prefix: 23 }])).toThrow(/"a" \(\/23\) does not fit/);
    expect(() =>
      divide("10.0.0.0/24", [
        { name: "a", ...half },
        { name: "a", ...half },
      ]),
    ).toThrow('got the range "a" a second time; expected each once');
    expect(() => divide("10.0.0.1/24", [])).toThrow(/first address of the range: 10\.0\.0\.0\/24/);
  });
});

describe("overlap", () => {
  test("two ranges overlap when an address is in both, whichever comes first", () => {
    fc.assert(
      fc.property(blocks, blocks, (left, right) => {
        const expected = left.first <= right.last && right.first <= left.last;
        expect(overlap(left.cidr, right.cidr)).toBe(expected);
        expect(overlap(right.cidr, left.cidr)).toBe(expected);
        expect(overlap(left.cidr, left.cidr)).toBe(true);
        expect(overlap(left.cidr, "0.0.0.0/0")).toBe(true);
      }),
    );
  });

  test("neighbours do not overlap, and a part overlaps its whole", () => {
    expect(overlap("10.0.0.0/25", "10.0.0.128/25")).toBe(false);
    expect(overlap("10.0.0.0/24", "10.0.0.128/25")).toBe(true);
  });
});

describe("whyNoCidr", () => {
  test("a range in its notation is one", () => {
    fc.assert(
      fc.property(blocks, ({ cidr }) => {
        expect(whyNoCidr(cidr)).toBeUndefined();
      }),
    );
  });

  test("an address inside of a range is told the first of it", () => {
    fc.assert(
      fc.property(
        blocks.filter(({ prefix }) => prefix < 32),
        ({ cidr, first, prefix }) => {
          expect(whyNoCidr(`${dotted(first + 1)}/${prefix}`)).toContain(
            `expected the first address of the range: ${cidr}`,
          );
        },
      ),
    );
  });

  test.each(["", "10.0.0.0", "10.0.0.0/33", "256.0.0.0/8", "10.0.0/24", "10.0.0.0/24 ", "fd00::/8", "10.0.0.0/-1"])(
    "%j is none",
    (text) => expect(whyNoCidr(text)).toBe(`got "${text}"; expected an IPv4 range such as "10.20.0.0/16"`),
  );
});
