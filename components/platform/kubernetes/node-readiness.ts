/** Whether a node answers, is the one that was asked for, and works: asked through its admin API. No Pulumi. */
import { setTimeout as delay } from "node:timers/promises";
import type { Client, ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import { makeGenericClientConstructor, status } from "@grpc/grpc-js";
import { InitializationServiceClient } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { isCantonError } from "@pulumi-canton/runtime/errors.ts";
import { type ClientConstructor, call, withClient } from "@pulumi-canton/runtime/grpc-client.ts";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthService,
  ServingStatus,
} from "@pulumi-canton/runtime/grpc-health.ts";
import { revisionComponent } from "@pulumi-canton/runtime/node.ts";
import type { Endpoint } from "../platform.ts";

/** How long one call may take, in milliseconds. */
const callDeadlineMs = 5_000;
/** How often a node that is starting is asked, in milliseconds. */
const askEveryMs = 500;

/** A node that is waited for. */
export interface AwaitedNode {
  readonly node: string;
  readonly adminApi: Endpoint;
  /** What has to answer; absent for programs that cannot tell. */
  readonly revision?: string;
  /** `live`: it answers; `ready`: it works and has its identity. */
  readonly waitFor: "live" | "ready";
}

/** What is seen of a node. */
export type SeenNode =
  | { readonly is: "unreachable"; readonly why: string }
  /** Another revision answers: the old one still, or one that was put there by hand. */
  | { readonly is: "another" }
  | { readonly is: "live" }
  | { readonly is: "ready"; readonly uniqueIdentifier: string };

interface HealthClient extends Client {
  check(
    request: HealthCheckRequest,
    metadata: Metadata,
    options: object,
    callback: (error: ServiceError | null, response: HealthCheckResponse) => void,
  ): ClientUnaryCall;
}
const HealthClient = makeGenericClientConstructor(
  HealthService,
  "Health",
) as unknown as ClientConstructor<HealthClient>;

/** Looks once; changes nothing. */
export async function lookAtNode({ adminApi, revision }: AwaitedNode): Promise<SeenNode> {
  try {
    if (revision !== undefined && (await healthOf(adminApi, revisionComponent(revision))) === undefined) {
      return { is: "another" };
    }
    // Programs without this service are known by their identity alone.
    const health = await healthOf(adminApi, "");
    if (health === ServingStatus.NOT_SERVING) return { is: "live" };
    const deadline = { deadlineMs: callDeadlineMs };
    const id = await withClient(InitializationServiceClient, adminApi, (client) => call(client, "getId", {}, deadline));
    return id.initialized ? { is: "ready", uniqueIdentifier: id.uniqueIdentifier } : { is: "live" };
  } catch (error) {
    return { is: "unreachable", why: (error as Error).message };
  }
}

/** A health as the node tells it; undefined for a part, or a service, that it does not have. */
async function healthOf(adminApi: Endpoint, service: string): Promise<number | undefined> {
  try {
    const { status: health } = await withClient(HealthClient, adminApi, (client) =>
      call(client, "check", { service }, { deadlineMs: callDeadlineMs }),
    );
    return health;
  } catch (error) {
    if (isCantonError(error) && (error.code === status.NOT_FOUND || error.code === status.UNIMPLEMENTED))
      return undefined;
    throw error;
  }
}

/**
 * Waits until a node is there.
 *
 * @returns its unique identifier; empty where it is only live
 * @throws Error saying what is missing, and where to look, when the deadline passes
 */
export async function waitForNode(node: AwaitedNode, namespace: string, deadlineMs: number): Promise<string> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const seen = await lookAtNode(node);
    if (seen.is === "ready") return seen.uniqueIdentifier;
    if (seen.is === "live" && node.waitFor === "live") return "";
    if (Date.now() > deadline) throw new Error(whyNot(node, namespace, seen, deadlineMs));
    await delay(askEveryMs);
  }
}

function whyNot(node: AwaitedNode, namespace: string, seen: SeenNode, deadlineMs: number): string {
  const what = {
    unreachable: seen.is === "unreachable" ? `its admin API at ${node.adminApi.url} does not answer: ${seen.why}` : "",
    another: "another revision of it answers: the new pod does not start, or the old one does not end",
    live: "it answers, and is not ready",
    ready: "",
  }[seen.is];
  return [
    `${node.node} is not ${node.waitFor} after ${Math.round(deadlineMs / 1000)} s: ${what}.`,
    "Look at its pods and their log:",
    `  kubectl -n ${namespace} get pods,events --selector app.kubernetes.io/instance=${node.node}`,
    `  kubectl -n ${namespace} logs --selector app.kubernetes.io/instance=${node.node} --tail 50`,
  ].join("\n");
}
