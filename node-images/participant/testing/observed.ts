/** What a real Canton answered: recordings that lie beside the repository on the machines of its developers. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { status } from "@grpc/grpc-js";
import type { CantonError } from "@pulumi-canton/runtime/errors.ts";

const folder = fileURLToPath(new URL("../../../../shared/observed/", import.meta.url));

/** Whether the recordings are there. Tests that need them are skipped, and say so, where they are not. */
export const observationsAvailable = existsSync(folder);
if (!observationsAvailable) console.warn(`SKIPPED: no recordings of a real Canton in ${folder}`);

/** One call as it was recorded; absent fields had their defaults. */
export interface ObservedCall {
  readonly node: string;
  readonly method: string;
  readonly request: any;
  readonly responses: any[];
  readonly status: {
    readonly code: number;
    readonly message?: string;
    readonly details?: { "@type": string; reason?: string; metadata?: Record<string, string> }[];
  };
}

/** All recorded calls in a file, in their order. */
export function observedCalls(file: string): ObservedCall[] {
  return (JSON.parse(readFileSync(`${folder}${file}.json`, "utf8")) as { calls: ObservedCall[] }).calls;
}

/** The first recorded call of a method (its name without the service) in a file. */
export function observed(file: string, method: string): ObservedCall {
  const call = observedCalls(file).find((each) => each.method.endsWith(`/${method}`));
  if (call === undefined) throw new Error(`${file} has no call of ${method}`);
  return call;
}

/** A refusal, as far as two Cantons can agree on it: request ids, submission ids and trace ids differ. */
export interface ComparableRefusal {
  readonly code: string;
  readonly reason: string;
  readonly category: number;
  readonly text: string;
  readonly metadata: Record<string, string>;
}

/** What the recorded call was refused with. */
export function observedRefusal({ status: recorded }: ObservedCall): ComparableRefusal {
  const info = recorded.details?.find((detail) => detail["@type"] === "google.rpc.ErrorInfo");
  const { category = "0", tid: _tid, ...metadata } = info?.metadata ?? {};
  return {
    code: status[recorded.code] ?? String(recorded.code),
    reason: info?.reason ?? "",
    category: Number(category),
    text: (recorded.message ?? "").replace(/^[A-Z_]+\(\d+,[^)]*\): /, ""),
    metadata,
  };
}

/** What our node refused a call with, as its caller sees it. */
export function ourRefusal(error: CantonError): ComparableRefusal {
  const { code, reason, category, message: text } = error;
  return { code: status[code] ?? String(code), reason, category, text, metadata: { ...error.metadata } };
}
