import { isCantonError } from "@pulumi-canton/runtime/errors.ts";

/**
 * What a node's refusal says: its reason and text, and the facts that it attaches. What a domain answered to a participant,
 * for example, is only in those.
 */
export function refusalText(error: Error): string {
  if (!isCantonError(error)) return error.message;
  const { reason, message, metadata, traceId } = error;
  const facts = Object.entries(metadata).filter(([, value]) => value !== "" && !message.includes(value));
  return [
    reason === "" ? message : `${message} (${reason})`,
    ...facts.map(([name, value]) => `  ${name}: ${value}`),
    ...(traceId === undefined ? [] : [`  trace: ${traceId}`]),
  ].join("\n");
}
