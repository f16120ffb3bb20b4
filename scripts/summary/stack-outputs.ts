import { z } from "zod";

const node = z.looseObject({
  role: z.string(),
  id: z.string().nullish(),
  adminApi: z.string().nullish(),
  publicApi: z.string().nullish(),
  ledgerApi: z.string().nullish(),
  health: z.string().nullish(),
  metrics: z.string().nullish(),
  /** Only in what the console's `status --json` prints. */
  state: z.string().nullish(),
});

const stackOutputs = z.looseObject({
  domain: z
    .looseObject({ id: z.string().nullish(), alias: z.string().nullish(), policy: z.string().nullish() })
    .optional(),
  nodes: z.record(z.string(), node).default({}),
  parties: z.record(z.string(), z.string().nullish()).default({}),
  console: z.string().optional(),
});

/** The stack outputs that a network's stack gives, as far as a summary needs them. */
export type StackOutputs = z.infer<typeof stackOutputs>;

/** Reads `pulumi stack output --json`; undefined when it is not what a network's stack gives. */
export function parseStackOutputs(json: string): StackOutputs | undefined {
  try {
    const parsed = stackOutputs.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
