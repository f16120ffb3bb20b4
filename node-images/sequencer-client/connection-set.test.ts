import { afterEach, expect, test } from "vitest";
import { ConnectionSet } from "./connection-set.ts";

let set: ConnectionSet;
afterEach(() => set.close());
const urls = () => set.preferred().map(({ url }) => url);

test("by priority, then as given; those that fail come last until one of them works again", () => {
  set = new ConnectionSet([{ url: "http://a:1", priority: 1 }, { url: "http://b:1" }, { url: "http://c:1" }], 60_000);
  expect(urls()).toEqual(["http://b:1", "http://c:1", "http://a:1"]);
  const [b, c] = set.preferred();
  for (let times = 0; times < 5; times++) b?.failed(new Error("away"));
  expect(urls()).toEqual(["http://c:1", "http://a:1", "http://b:1"]);
  c?.failed(new Error("away too"));
  expect(urls()[0]).toBe("http://a:1");
  b?.succeeded();
  expect(urls()).toEqual(["http://b:1", "http://a:1", "http://c:1"]);
  expect(c?.state).toEqual({ url: "http://c:1", state: "failed", lastError: "away too" });
});

test("waits when all have failed, and an abort ends the wait", async () => {
  set = new ConnectionSet([{ url: "http://a:1" }], 60_000);
  const [only] = set.preferred();
  for (let times = 0; times < 10; times++) only?.failed(new Error("away"));
  await expect(set.next(AbortSignal.timeout(20))).rejects.toThrow();
});

test("no connection, and one that is no url", () => {
  expect(() => new ConnectionSet([], 1)).toThrow("at least one sequencer");
  expect(() => new ConnectionSet([{ url: "localhost:5018" }], 1)).toThrow("expected http://host:port");
  set = new ConnectionSet([{ url: "http://a:1" }], 1);
});
