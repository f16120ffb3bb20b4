import { describe, expect, test } from "vitest";
import { logStore, lokiConfig } from "./loki.ts";

const options = { retentionDays: 400, ingestionMegabytes: 8 };

test.each([
  [undefined, undefined, { kind: "filesystem" }, "filesystem"],
  ["s3://audit-logs", "eu-central-1", { kind: "s3", bucket: "audit-logs", region: "eu-central-1" }, "aws"],
  ["gs://audit_logs.example/", undefined, { kind: "gcs", bucket: "audit_logs.example" }, "gcs"],
  [
    "https://acc0unt.blob.core.windows.net/audit-logs",
    undefined,
    { kind: "azure", account: "acc0unt", container: "audit-logs" },
    "azure",
  ],
] as const)("%s is where chunks, index and deletions go", (url, region, expected, key) => {
  const store = logStore(url, region);
  expect(store).toEqual(expected);
  const config = lokiConfig({ ...options, store });
  expect(config.storage_config).toHaveProperty(key === "azure" ? "azure" : key);
  expect(config.schema_config.configs[0]?.object_store).toBe(key);
  expect(config.compactor.delete_request_store).toBe(key);
});

describe("logs kept for audit", () => {
  const config = lokiConfig({ ...options, store: { kind: "filesystem" } });

  test("are deleted when their time has come, and not before by request", () => {
    expect(config.limits_config.retention_period).toBe("9600h");
    expect(config.compactor.retention_enabled).toBe(true);
    expect(config.limits_config.deletion_mode).toBe("disabled");
    // Retention works on whole days of the index.
    expect(config.schema_config.configs[0]?.index.period).toBe("24h");
  });

  test("have trace ids beside them, and nothing is told to others", () => {
    expect(config.limits_config.allow_structured_metadata).toBe(true);
    expect(config.schema_config.configs[0]?.schema).toBe("v13");
    expect(config.analytics.reporting_enabled).toBe(false);
    expect(config).not.toHaveProperty("ruler");
  });
});

test.each(["bucket", "s3://x", "http://acc.blob.core.windows.net/logs", "https://acc0unt.blob.core.windows.net/"])(
  "%s is refused",
  (url) => {
    expect(() => logStore(url, "eu-central-1")).toThrow(`logs.bucket: got "${url}"; expected s3://bucket`);
  },
);
