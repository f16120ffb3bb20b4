/**
 * The program of a template alone, without an engine: `node program.ts TEMPLATE`. Mocks answer with what the recorded production gave
 * out. Prints how long it took and how much memory, as JSON.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runtime } from "@pulumi/pulumi";
import * as settings from "@pulumi/pulumi/runtime/settings.js";
import { root } from "../../scripts/environment/paths.ts";
import { configOf, templates } from "../../test/clouds/templates.ts";

/** What {@link program.ts} prints. */
export interface ProgramCosts {
  readonly resources: number;
  /** From the start of the process, in milliseconds. */
  readonly ms: number;
  /** Of that, until the template's modules were there. */
  readonly importedMs: number;
  readonly peakKiB: number;
}

/** Waits until nothing is under way; the SDK has it, its types do not. */
const { waitForRPCs } = settings as unknown as { waitForRPCs(): Promise<void> };

interface RecordedResource {
  readonly type: string;
  readonly urn: string;
  readonly id?: string;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

const [name = ""] = process.argv.slice(2);
const template = templates.find((each) => each.name === name);
if (template === undefined) throw new Error(`there is no template "${name}" in test/clouds/templates`);
const clouds = join(root, "test", "clouds");
const recorded = new Map<string, RecordedResource>(
  readFileSync(join(clouds, "recorded", `${name}.jsonl`), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line, inTheClear) as RecordedResource)
    .map((resource) => [`${resource.type} ${resource.urn.split("::").at(-1)}`, resource]),
);

/** What a secret says. */
function inTheClear(_key: string, value: unknown): unknown {
  const { plaintext } = (value ?? {}) as { readonly plaintext?: unknown };
  return typeof plaintext === "string" ? JSON.parse(plaintext) : value;
}

let resources = 0;
await runtime.setMocks(
  {
    call: async ({ token, inputs }) => {
      const { invoke } = await import("../../test/clouds/stand-in/invokes.ts");
      return invoke(token, inputs);
    },
    newResource: ({ type, name: called, inputs }) => {
      resources += 1;
      const known = recorded.get(`${type} ${called}`);
      return { id: known?.id ?? called, state: { ...inputs, ...known?.outputs } };
    },
  },
  "pulumi-canton",
  "bench",
  false,
);
// Mocks take no hooks: nothing of them would be called.
Object.assign(settings.getMonitor() as object, {
  registerResourceHook: (_request: unknown, done: (error: null, answer: object) => void) => done(null, {}),
});
const config = Object.entries(configOf(template, "production")).map(([key, value]) => [
  `pulumi-canton:${key}`,
  typeof value === "string" ? value : JSON.stringify(value),
]);
runtime.setAllConfig(Object.fromEntries(config));
process.env["CANTON_CONFIG"] = join(clouds, "templates", `${name}.yaml`);

const module = (await import(`../../stacks/${name}.ts`)) as { readonly default: () => unknown };
const importedMs = performance.now();
await module.default();
await waitForRPCs();
const costs: ProgramCosts = {
  resources,
  ms: performance.now(),
  importedMs,
  peakKiB: process.resourceUsage().maxRSS,
};
process.stdout.write(JSON.stringify(costs));
