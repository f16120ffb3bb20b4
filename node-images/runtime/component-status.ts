import type { NodeStatus_ComponentStatus } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/health/admin/v0/status_service.ts";
import type { Component } from "./health.ts";

/** A component as the status services tell it: one that is still starting, or waits, counts as failed there. */
export function componentStatus({ name, state, why }: Component): NodeStatus_ComponentStatus {
  const value = { description: why === "" ? undefined : why };
  return { name, status: { $case: state === "starting" || state === "waiting" ? "failed" : state, value } };
}
