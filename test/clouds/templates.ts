/** The stack templates that run against the stand-in: a file in `templates/` for each, named after it. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { environments } from "@pulumi-canton/components/deployment/deployment.ts";
import { parse } from "yaml";
import { z } from "zod";
import type { Config } from "./cloud-stack.ts";

const folder = join(import.meta.dirname, "templates");
const config = z.record(z.string(), z.unknown());

const schema = z.strictObject({
  /** The stack's configuration, without `environment`. */
  config,
  /** What each environment has on top. */
  environments: z.partialRecord(z.enum(environments), config).default({}),
  /** Files of the folder that the configuration names. */
  files: z.array(z.string()).default([]),
  /** Outputs of other stacks that it refers to, by the stack's name. */
  stacks: z.record(z.string(), config).default({}),
  /** Values that the SDK's open enums do not have, and that are right nevertheless. */
  knownBesides: z.array(z.string()).default([]),
  /** Whether something of its production must not go by mistake. */
  protects: z.boolean().default(true),
  /** How large it gets. Absent where no configuration makes it large. */
  size: z
    .strictObject({
      /** All options of its production that can be on at once. */
      everything: config,
      /** How many resources that is, at least. */
      resources: z.int(),
      /** What makes it too large. */
      tooMuch: config,
      /** The key and the count that the refusal names. */
      says: z.string(),
    })
    .optional(),
  /** How it is changed. Absent where all of it can be planned but not made: nodes that do not run do not answer. */
  changes: z
    .strictObject({
      /** A change that replaces nothing. */
      update: config,
      /** A change that replaces exactly what {@link replaces} says. */
      replacement: config,
      /** Type and name of resources. */
      replaces: z.array(z.string()).min(1),
    })
    .optional(),
});

/** A template and how it is tried. */
export interface Template extends z.output<typeof schema> {
  readonly name: string;
}

/** All templates that there are files for. */
export const templates: readonly Template[] = readdirSync(folder)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => ({
    name: basename(file, ".yaml"),
    ...schema.parse(parse(readFileSync(join(folder, file), "utf8"), { merge: true })),
  }));

/** Those that the stand-in can make. */
export const makeable = templates.flatMap(({ changes, ...template }) => (changes ? [{ ...template, changes }] : []));

/** Those that can get large. */
export const sizes = templates.flatMap((template) => (template.size ? [{ ...template, size: template.size }] : []));

/** The configuration of one environment. */
export function configOf(template: Template, environment: (typeof environments)[number]): Config {
  return { template: template.name, environment, ...template.config, ...template.environments[environment] };
}

/** Where the files are that configurations name. */
export function filesOf({ files }: Template): string[] {
  return files.map((file) => join(folder, file));
}
