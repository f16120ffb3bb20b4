import { expect, test } from "vitest";
import { createLogger, type LogLevel, redactText } from "./logger.ts";
import { newTrace, withTrace } from "./trace.ts";

function capture(level?: LogLevel) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ node: "sequencer1", role: "sequencer", destination, ...(level ? { level } : {}) });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> };
}

test("a line is JSON with node, role, level, time and text", () => {
  const { logger, lines, last } = capture();
  logger.info({ domain: "d" }, "Connected");
  expect(last()).toMatchObject({
    level: "info",
    node: "sequencer1",
    role: "sequencer",
    domain: "d",
    message: "Connected",
  });
  expect(new Date(last()["@timestamp"] as string).getTime()).toBeGreaterThan(0);
  expect(lines[0]?.endsWith("\n")).toBe(true);
});

test("a line within a request has its trace id; others have none", () => {
  const { logger, last } = capture();
  const trace = newTrace();
  withTrace(trace, () => logger.info("inside"));
  expect(last()).toMatchObject({ "trace-id": trace.traceId, "span-id": trace.spanId });
  logger.info("outside");
  expect(last()).not.toHaveProperty("trace-id");
});

test("secrets stay out, wherever they are", () => {
  const { logger, lines } = capture();
  const cause = new Error("cannot connect to postgres://user:hunter2@host/db");
  logger.error(
    {
      password: "hunter2",
      config: { storage: { password: "hunter2" }, list: [{ privateKey: "hunter2" }] },
      headers: { authorization: "hunter2" },
      url: "https://me:hunter2@host",
      key: "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
      error: Object.assign(new Error("Bearer hunter2", { cause }), { password: "hunter2" }),
      passphrase: Buffer.from("hunter2"),
      bytes: Buffer.from("hunter2"),
    },
    "password=hunter2",
  );
  logger.info("password: hunter2");
  logger.child({ token: "hunter2" }).info("child");
  logger.info({ text: "x" }, "a %s", "postgres://u:hunter2@h");
  logger.error(new Error("postgres://u:hunter2@h"));
  expect(lines).toHaveLength(5);
  expect(lines.join("")).not.toContain("hunter2");
  expect(lines.join("")).not.toContain(Buffer.from("hunter2").toString("base64"));
});

test.each(["a", "a://", "a://b:", "password", "password=", "password:'", "Bearer ", "-----BEGIN "])(
  "a megabyte of %j, as a caller may send it, is searched at once",
  (part) => {
    const before = performance.now();
    redactText(part.repeat(1_000_000 / part.length));
    expect(performance.now() - before).toBeLessThan(2_000);
  },
);

test("names of secrets' files and ids of keys are kept", () => {
  const { logger, last } = capture();
  logger.info({ passwordFile: "/run/password", privateKeyFile: "/k.pem", tokenId: "t1" });
  expect(last()).toMatchObject({ passwordFile: "/run/password", privateKeyFile: "/k.pem", tokenId: "t1" });
});

test("errors are told with type, text, stack and causes; big integers as text", () => {
  const { logger, last } = capture();
  logger.error({ error: new TypeError("outer", { cause: new RangeError("inner") }), counter: 12345678901234567890n });
  expect(last()).toMatchObject({
    error: { type: "TypeError", message: "outer", cause: { type: "RangeError", message: "inner" } },
    counter: "12345678901234567890",
  });
});

test("a value that contains itself does not stop the log", () => {
  const { logger, lines } = capture();
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  logger.info({ loop }, "round");
  expect(lines).toHaveLength(1);
});

test("levels below the configured one are silent", () => {
  const { logger, lines } = capture("warn");
  logger.info("no");
  logger.warn("yes");
  expect(lines).toHaveLength(1);
});

test("text without secrets stays as it is", () => {
  const text = 'Domain mydomain::1220ab at http://127.0.0.1:5001 has "x@y"';
  expect(redactText(text)).toBe(text);
});
