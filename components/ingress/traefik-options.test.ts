import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { traefikFolder } from "../../test/kubernetes/definitions.ts";
import { traefikArguments } from "./traefik-options.ts";

const folder = await traefikFolder();
if (typeof folder !== "string")
  console.warn(`SKIPPED: options of Traefik, by its own reference: ${folder.unavailable}`);

const options = traefikArguments({
  ingressClass: "canton",
  namespaces: ["ingress", "canton"],
  service: "ingress/traefik",
});

test.skipIf(typeof folder !== "string")("every option is one of Traefik's", () => {
  const reference = readFileSync(
    join(folder as string, "docs/content/reference/static-configuration/cli-ref.md"),
    "utf8",
  );
  const known = new Set([...reference.matchAll(/^`(--[a-z0-9.<>-]+)`/gm)].map(([, option]) => option));
  expect(known.size).toBeGreaterThan(300);
  const given = options.map((option) =>
    option.split("=")[0]?.replace(/^--entrypoints\.[a-z]+/, "--entrypoints.<name>"),
  );
  expect(given.filter((option) => !known.has(option))).toEqual([]);
});

test("nothing listens in the clear but probes and metrics, and only the given namespaces are watched", () => {
  const listening = options.filter((option) => /^--entrypoints\.\w+\.address=/.test(option));
  expect(listening).toEqual([
    "--entrypoints.websecure.address=:8443",
    "--entrypoints.metrics.address=:9100",
    "--entrypoints.health.address=:8080",
  ]);
  expect(options).toContain("--entrypoints.websecure.http.tls=true");
  expect(options).toContain("--providers.kubernetescrd.namespaces=ingress,canton");
  expect(options).toContain("--providers.kubernetesingress.namespaces=ingress,canton");
  expect(options.filter((option) => option.startsWith("--api"))).toEqual([]);
});
