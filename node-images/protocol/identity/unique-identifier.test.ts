import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../protocol-error.ts";
import { identifier } from "../testing/arbitrary.ts";
import {
  identifierOf,
  namespaceOf,
  parseUniqueIdentifier,
  shortenUniqueIdentifier,
  uniqueIdentifier,
} from "./unique-identifier.ts";

const namespace = "122050f5924a5e6620316d0620189f098c2783a01a948018b9d371a3149beb3fc6ec";

/** What a refusal says in the `reason` of the error's metadata. */
function reasonOf(text: string, field: string): string {
  try {
    parseUniqueIdentifier(text, field);
  } catch (error) {
    if (error instanceof ProtocolError) return error.reason;
    throw error;
  }
  return "accepted";
}

describe("unique identifier", () => {
  it("is put together and taken apart", () => {
    fc.assert(
      fc.property(identifier, (name) => {
        const uid = uniqueIdentifier(name, namespace);
        expect(parseUniqueIdentifier(uid)).toEqual({ identifier: name, namespace });
        expect(identifierOf(uid)).toBe(name);
        expect(namespaceOf(uid)).toBe(namespace);
      }),
    );
  });

  it("has no two readings: what parses prints as the same text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", ":", "-"), maxLength: 12 }), (text) => {
        try {
          const parts = parseUniqueIdentifier(text);
          expect(uniqueIdentifier(parts.identifier, parts.namespace)).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });

  // The words are those that a real Canton answered.
  it.each([
    ["", "Empty string is not a valid unique identifier."],
    ["Bob", "Invalid unique identifier `Bob` with missing namespace."],
    [`::${namespace}`, `Invalid unique identifier \`::${namespace}\` with empty identifier.`],
    [
      `a::b::${namespace}`,
      `Fingerprint decoding of \`a::b::${namespace}\` failed with: StringConversionError(String contains reserved delimiter \`::\`.)`,
    ],
    [
      `Bad Name!::${namespace}`,
      `Identifier decoding of \`Bad Name!::${namespace}\` failed with: non expected character 0x21 in Daml-LF Party "Bad Name!"`,
    ],
    [
      `${"a".repeat(186)}::${namespace}`,
      `Identifier decoding of \`${"a".repeat(186)}::${namespace}\` failed with: The given string has a maximum length of 185 but a string of length 186 ('${"a".repeat(186)}.') was given`,
    ],
  ])("refuses %j as Canton does", (text, detail) => {
    expect(reasonOf(text, "party")).toBe(`ValueConversionError(party,${detail})`);
  });

  it("accepts 185 characters", () => {
    expect(reasonOf(`${"a".repeat(185)}::${namespace}`, "party")).toBe("accepted");
  });

  it("says what is accepted", () => {
    expect(() => parseUniqueIdentifier("Bob", "party")).toThrow(
      "party: Invalid unique identifier `Bob` with missing namespace. Accepted: <identifier>::<fingerprint>, the identifier 1 to 185 of: letters",
    );
  });

  it("is shortened as Canton shortens it", () => {
    expect(shortenUniqueIdentifier(`Bob::${namespace}`)).toBe("Bob::122050f5924a...");
  });
});
