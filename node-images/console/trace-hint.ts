import { currentTrace } from "@pulumi-canton/runtime/trace.ts";

/** How to follow what this command has changed. */
export function traceHint(): string {
  return `Follow it with: console trace ${currentTrace()?.traceId ?? ""}`;
}
