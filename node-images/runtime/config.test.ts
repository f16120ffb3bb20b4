import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import {
  baseNodeSchema,
  ConfigError,
  checkConfig,
  durationSchema,
  isLoopback,
  loadConfig,
  nearMiss,
  serverSchema,
} from "./config.ts";

const folder = mkdtempSync(join(tmpdir(), "config-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const valid = `
name: sequencer1
adminApi:
  port: 5001
health: { port: 8081 }
storage:
  host: 127.0.0.1
  database: sequencer1
  user: sequencer1
  passwordFile: /run/secrets/password
`;

let files = 0;
function fileOf(text: string): string {
  const file = join(folder, `${files++}.yaml`);
  writeFileSync(file, text);
  return file;
}

function problemsOf(text: string, schema: z.ZodType = baseNodeSchema): readonly string[] {
  try {
    loadConfig(schema, fileOf(text));
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("a short file is filled with the defaults", () => {
  const config = loadConfig(baseNodeSchema, fileOf(valid));
  expect(config.adminApi).toEqual({ address: "127.0.0.1", port: 5001 });
  expect(config.storage).toMatchObject({ port: 5432, maxConnections: 8 });
  expect(config.init).toEqual({ auto: true, identity: { nodeIdentifier: { type: "config" } } });
  expect(config.logging.level).toBe("info");
});

test.each([
  ["http://vault.example.com:8200", 1],
  ["http://127.0.0.1.example.com", 1],
  ["https://vault.example.com:8200", 0],
  ["http://127.0.0.1:8100", 0],
])("data keys and tokens go to %s: %i problems", (url, problems) => {
  const found = problemsOf(
    `${valid}crypto: { keyEncryption: { type: vault, address: "${url}", keyId: k, tokenFile: /t } }`,
  );
  const expected = expect.stringMatching(/^crypto\.keyEncryption\.address .*expected https, or http on a loopback/);
  expect(found).toEqual(Array(problems).fill(expected));
  const kms = `${valid}crypto: { keyEncryption: { type: aws-kms, endpoint: "${url}", keyId: k } }`;
  expect(problemsOf(kms)).toHaveLength(problems);
});

describe("each problem names the key, the line, what was given and what is accepted", () => {
  test.each([
    ["a wrong type", "port: 5001", "port: abc", 'adminApi.port (line 4): got "abc"; expected a number'],
    ["a fraction", "port: 5001", "port: 1.5", "adminApi.port (line 4): got 1.5; expected a whole number"],
    ["out of range", "port: 5001", "port: 70000", "adminApi.port (line 4): got 70000; expected at most 65535"],
    ["a missing key", "  host: 127.0.0.1\n", "", "storage.host (line 6) is required; expected a text"],
    [
      "an empty text",
      "database: sequencer1",
      'database: ""',
      'storage.database (line 8): got ""; expected a text that is not empty',
    ],
    ["a null", "database: sequencer1", "database:", "storage.database (line 8) is required; expected a text"],
    [
      "a typing error",
      "passwordFile:",
      "pasword_file:",
      "storage.pasword_file (line 10): unknown key; did you mean passwordFile?",
    ],
    [
      "a list for a section",
      "health: { port: 8081 }",
      "health: [8081]",
      "health (line 5): got a list; expected a section with keys",
    ],
    [
      "a duration where none is",
      "health: { port: 8081 }",
      "health: { port: 8081 }\nlogging: { level: loud }",
      'logging.level (line 6): got "loud"; expected one of "fatal", "error"',
    ],
    [
      "an unknown alternative",
      "health:",
      "init: { identity: { nodeIdentifier: { type: fixed } } }\nhealth:",
      'init.identity.nodeIdentifier.type (line 5): got "fixed"; expected one of "config", "explicit", "random"',
    ],
    [
      "an alternative's own key",
      "health:",
      "init: { identity: { nodeIdentifier: { type: explicit } } }\nhealth:",
      "init.identity.nodeIdentifier.name (line 5) is required; expected a text",
    ],
    [
      "an identifier that reads as another one",
      "health:",
      'init: { identity: { nodeIdentifier: { type: explicit, name: "a::1220" } } }\nhealth:',
      'init.identity.nodeIdentifier.name (line 5): got "a::1220"; expected 1 to 185 of: letters a-z',
    ],
  ])("%s", (_, from, to, problem) => {
    const text = valid.replace(from, to);
    expect(text).not.toBe(valid);
    expect(
      problemsOf(text).some((told) => told.startsWith(problem)),
      problemsOf(text).join("\n"),
    ).toBe(true);
  });
});

test("one error lists all problems", () => {
  const text = valid.replace("port: 5001", "port: abc").replace("host: 127.0.0.1", "hots: 127.0.0.1");
  expect(problemsOf(text)).toHaveLength(3);
});

test("an unknown key that is near to nothing lists what is accepted, and its value is not repeated", () => {
  const [problem] = problemsOf(`${valid}\nbanana: hunter2`);
  expect(problem).toBe(
    "banana (line 12): unknown key. Accepted here: name, adminApi, health, metrics, storage, init, crypto, logging",
  );
});

test("the values of secrets are not repeated", () => {
  const schema = z.strictObject({ apiToken: z.int(), url: z.string().max(5) });
  const problems = problemsOf("apiToken: hunter2\nurl: postgres://user:hunter2@host/db", schema);
  expect(problems).toHaveLength(2);
  expect(problems.join("\n")).not.toContain("hunter2");
});

test("durations", () => {
  const schema = z.strictObject({ wait: durationSchema });
  expect(checkConfig(schema, { wait: "5m" })).toEqual({ wait: 300_000 });
  expect(problemsOf("wait: soon", schema)[0]).toMatch(
    /^wait \(line 1\): got "soon"; expected a number and a unit, ms, s, m/,
  );
  expect(problemsOf("wait: 5", schema)[0]).toMatch(/^wait \(line 1\): got 5; expected a/);
});

test("a server that others reach needs TLS; the message names its key", () => {
  const problems = problemsOf(valid.replace("port: 5001", 'port: 5001\n  address: "0.0.0.0"'));
  expect(problems).toEqual([
    expect.stringMatching(
      /^adminApi\.tls \(line 3\) is required because address "0\.0\.0\.0" is reachable from other machines; expected certChainFile/,
    ),
  ]);
  expect(
    checkConfig(serverSchema, { address: "0.0.0.0", port: 1, tls: { certChainFile: "a", privateKeyFile: "b" } }).tls,
  ).toBeDefined();
});

test.each([
  ["127.0.0.1", true],
  ["127.9.9.9", true],
  ["::1", true],
  ["[::1]", true],
  ["::ffff:127.0.0.1", true],
  ["localhost", true],
  ["0.0.0.0", false],
  ["::", false],
  ["10.0.0.1", false],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
  ["example.com", false],
])("%s is loopback: %s", (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

test("a file that is not there", () => {
  expect(() => loadConfig(baseNodeSchema, join(folder, "absent.yaml"))).toThrow(
    /absent\.yaml: cannot be read: there is no such file/,
  );
  expect(() => loadConfig(baseNodeSchema, folder)).toThrow(/it is a folder/);
});

test.each(["a: [1", "a: 1\na: 2", "a: b: c", "\t- x", "&a [*b]"])("YAML that is broken names the place: %j", (text) => {
  expect(() => loadConfig(baseNodeSchema, fileOf(text))).toThrow(/is not valid YAML/);
});

test("aliases that multiply are refused, not expanded", () => {
  const levels = ["a: &a0 [x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 9; i++)
    levels.push(
      `b${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(",")}]`,
    );
  expect(() => loadConfig(baseNodeSchema, fileOf(levels.join("\n")))).toThrow(ConfigError);
});

test("an empty file tells what is missing", () => {
  expect(problemsOf("")).toEqual(expect.arrayContaining([expect.stringMatching(/^name is required/)]));
});

test("any text gives a configuration or a ConfigError", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      problemsOf(text);
    }),
  );
});

test("any value under any key gives a problem that names the key, or is accepted", () => {
  const keys = ["name", "adminApi", "health", "storage", "init", "logging"];
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.jsonValue(), (key, value) => {
      const base = {
        name: "n",
        adminApi: { port: 1 },
        health: { port: 2 },
        storage: { host: "h", database: "d", user: "u", passwordFile: "p" },
      };
      const result = (() => {
        try {
          checkConfig(baseNodeSchema, { ...base, [key]: value });
          return undefined;
        } catch (error) {
          return error as ConfigError;
        }
      })();
      for (const problem of result?.problems ?? []) expect(problem.startsWith(key)).toBe(true);
    }),
  );
});

test("near misses", () => {
  const keys = ["adminApi", "publicApi", "health", "passwordFile"];
  expect(nearMiss("admin-api", keys)).toBe("adminApi");
  expect(nearMiss("helath", keys)).toBe("health");
  expect(nearMiss("pasword", ["password"])).toBe("password");
  expect(nearMiss("zzz", keys)).toBeUndefined();
  expect(nearMiss("x", [])).toBeUndefined();
});
