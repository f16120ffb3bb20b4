import { type TransactionStep, transactionSteps } from "@pulumi-canton/topology/transaction-steps.ts";
import { z } from "zod";

const schema = z.looseObject({
  "@timestamp": z.iso.datetime(),
  node: z.string(),
  role: z.string(),
  "trace-id": z.string().default(""),
  step: z.enum(transactionSteps),
  transaction: z.string(),
  element: z.string(),
  operation: z.string(),
  mapping: z.string(),
  domainId: z.string().optional(),
  member: z.string().optional(),
  /** Sequencing time of the transaction. */
  sequenced: z.iso.datetime().optional(),
  /** When the node got to see it: for the domain manager, when the request was sequenced. */
  received: z.iso.datetime().optional(),
  /** When it was decided, which is before it is stored. */
  decided: z.iso.datetime().optional(),
  authorised: z.iso.datetime().optional(),
  /** What was decided. */
  state: z.string().optional(),
  reason: z.string().optional(),
  recipients: z.array(z.string()).optional(),
});

/** What a node wrote about one step of one transaction. */
export type StepLine = z.infer<typeof schema> & { readonly step: TransactionStep };

/** Reads a line of a log; undefined when it is about something else. What is in front of the JSON (a pod's name) is left off. */
export function parseStepLine(line: string): StepLine | undefined {
  if (!line.includes('"step":')) return undefined;
  try {
    return schema.safeParse(JSON.parse(line.slice(line.indexOf("{")))).data;
  } catch {
    return undefined;
  }
}
