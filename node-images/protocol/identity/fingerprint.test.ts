import { describe, expect, it } from "vitest";
import { ProtocolError } from "../protocol-error.ts";
import { fingerprintOfKey, parseFingerprint, shortenFingerprint } from "./fingerprint.ts";

describe("fingerprint", () => {
  it("is the one that a real Canton gives to the same key bytes", () => {
    // The key as Canton held it: 32 bytes of Ed25519 in Tink's protobuf message.
    const bytes = Buffer.from("1220d7424cecc069714db3b45f900146c1a516befd755de0154661aebe82ec0df76a", "hex");
    expect(fingerprintOfKey(bytes)).toBe("122050f5924a5e6620316d0620189f098c2783a01a948018b9d371a3149beb3fc6ec");
  });

  it("accepts what Canton accepts, even if no key can have it", () => {
    expect(parseFingerprint("xyz")).toBe("xyz");
  });

  it.each(["", "a::b", "a".repeat(69), "a!", ":a", "a:"])("refuses %j", (text) => {
    expect(() => parseFingerprint(text, "signed_by")).toThrow(ProtocolError);
    expect(() => parseFingerprint(text, "signed_by")).toThrow(/^signed_by: .*Accepted: 1 to 68 characters/);
  });

  it("is shortened as Canton shortens it", () => {
    expect(shortenFingerprint("122050f5924a5e6620316d0620189f098c2783a01a948018b9d371a3149beb3fc6ec")).toBe(
      "122050f5924a...",
    );
    expect(shortenFingerprint("xyz")).toBe("xyz");
  });
});
