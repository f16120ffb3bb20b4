import { checkConfig } from "@pulumi-canton/runtime/config.ts";
import { expect, test } from "vitest";
import { domainManagerSchema } from "./config.ts";

const storage = { host: "127.0.0.1", database: "d", user: "u", passwordFile: "/p" };
const base = { name: "mydomain", adminApi: { port: 5000 }, health: { port: 5001 }, storage };
const sequencer = { name: "sequencer1", adminApi: { address: "127.0.0.1", port: 1 }, publicApi: "http://127.0.0.1:2" };

test("the least configuration: permissioned, no peers, Canton's parameters", () => {
  const config = checkConfig(domainManagerSchema, base);
  expect(config.domain).toEqual({
    onboarding: { policy: "permissioned" },
    sequencers: [],
    mediators: [],
    initialParameters: {},
  });
  expect(config.init.auto).toBe(true);
});

test("what is wrong is named, with what is accepted", () => {
  const refused = (domain: unknown) => {
    try {
      checkConfig(domainManagerSchema, { ...base, domain });
    } catch (error) {
      return (error as Error).message;
    }
    return "accepted";
  };
  expect(refused({ onboarding: { policy: "closed" } })).toMatch(/domain\.onboarding\.policy.*"permissioned", "open"/);
  expect(refused({ onbording: {} })).toMatch(/domain\.onbording.*did you mean onboarding/);
  expect(refused({ sequencers: [{ ...sequencer, publicApi: "127.0.0.1:2" }] })).toMatch(
    /domain\.sequencers\[0\]\.publicApi.*http:\/\/host:port/,
  );
  expect(refused({ sequencers: [{ ...sequencer, publicApi: "http://127.0.0.1:2/path" }] })).toMatch(/publicApi/);
  expect(refused({ sequencers: [sequencer, sequencer] })).toMatch(/domain\.sequencers\[1\]\.name.*no other entry/);
  expect(refused({ mediators: [{ name: "m", adminApi: { address: "127.0.0.1", port: 0 } }] })).toMatch(
    /domain\.mediators\[0\]\.adminApi\.port/,
  );
  expect(refused({ initialParameters: { topologyChangeDelay: "soon" } })).toMatch(
    /domain\.initialParameters\.topologyChangeDelay.*"30s"/,
  );
  expect(refused({ initialParameters: { maxRequestSize: 10 } })).toMatch(/maxRequestSize.*65536/);
});
