/** Objects of a real API server, made, awaited and removed as the official provider of Kubernetes does it. */
import { setTimeout as delay } from "node:timers/promises";
import type { Made, Named, Watcher } from "../clouds/stand-in/stand-in-clouds.ts";
import type { Values } from "../clouds/stand-in/wire.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { type KubernetesObject, labelOf, ObjectPaths } from "../kubernetes/object-paths.ts";

/** Longest time until an object is ready, or gone. */
const patienceMs = 5 * 60_000;
const manager = "pulumi-canton-tests";
/** Annotation of objects that are ready as soon as they are there. */
const skipAwait = "pulumi.com/skipAwait";

/** An object as the server has it. */
export type LiveObject = KubernetesObject & { readonly [key: string]: any };

/** Does to the cluster what the engine does to its Kubernetes resources. */
export class LiveObjects implements Watcher {
  readonly #client: ApiClient;
  readonly #paths: ObjectPaths;

  constructor(client: ApiClient) {
    this.#client = client;
    this.#paths = new ObjectPaths(client);
  }

  /** Makes or changes what a resource stands for and waits until it is ready. @returns outputs that only the cluster knows */
  async put({ token, inputs }: Named & { readonly inputs: Values }): Promise<Partial<Made> | undefined> {
    const object = objectOf(token, inputs);
    if (object === undefined) return undefined;
    const live = await this.apply(object);
    const awaited = (live.metadata["annotations"] as Record<string, string> | undefined)?.[skipAwait] !== "true";
    return { outputs: outputsOf(awaited ? await this.untilReady(object) : live) };
  }

  /** What is there of a resource now; null when nothing is. */
  async seen({ token, inputs }: Named & { readonly inputs: Values }): Promise<Values | null | undefined> {
    const object = objectOf(token, inputs);
    if (object === undefined) return undefined;
    const live = await this.find(object);
    return live === undefined ? null : outputsOf(live);
  }

  /** Removes what a resource stood for, with what was made from it, and waits until it is gone. */
  async removed({ token, inputs }: Named & { readonly inputs: Values }): Promise<void> {
    const object = objectOf(token, inputs);
    if (object !== undefined) await this.remove(object);
  }

  /** Makes an object, or changes it to what is given. @throws Error with what the server says */
  async apply(object: KubernetesObject): Promise<LiveObject> {
    const { status, body, warnings } = await this.#client.ask(`${await this.#pathOf(object)}?${applying}`, {
      method: "PATCH",
      contentType: "application/apply-patch+yaml",
      body: object,
    });
    if (status >= 300) throw new Error(`${labelOf(object)}: ${body.message ?? body}`);
    if (warnings.length > 0) throw new Error(`${labelOf(object)}: the server warns: ${warnings.join("; ")}`);
    return body;
  }

  /** An object as it is; undefined when it is not. */
  async find(object: KubernetesObject): Promise<LiveObject | undefined> {
    const { status, body } = await this.#client.ask(await this.#pathOf(object));
    if (status === 404) return undefined;
    if (status >= 300) throw new Error(`${labelOf(object)}: ${body.message ?? body}`);
    return body;
  }

  /** Waits until an object is what its kind calls ready. @throws Error with its status when it fails, or takes too long */
  async untilReady(object: KubernetesObject): Promise<LiveObject> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const live = await this.find(object);
      const progress = live === undefined ? "waits" : progressOf(live);
      if (live !== undefined && progress === "ready") return live;
      if (progress === "failed" || Date.now() > deadline) {
        throw new Error(`${labelOf(object)} is not ready: ${JSON.stringify(live?.["status"])}`);
      }
      await delay(200);
    }
  }

  /** Deletes an object, if it is there, and waits until it is gone. */
  async remove(object: KubernetesObject): Promise<void> {
    const path = await this.#pathOf(object);
    const { status, body } = await this.#client.ask(path, {
      method: "DELETE",
      body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Foreground" },
    });
    if (status >= 300 && status !== 404) throw new Error(`${labelOf(object)}: ${body.message ?? body}`);
    const uid = body.metadata?.uid ?? body.details?.uid;
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const left = await this.find(object);
      if (left === undefined || left.metadata["uid"] !== uid) return;
      if (Date.now() > deadline) throw new Error(`${labelOf(object)} does not go: ${JSON.stringify(left["status"])}`);
      await delay(200);
    }
  }

  async #pathOf(object: KubernetesObject): Promise<string> {
    const path = await this.#paths.of(object);
    if (typeof path !== "string") throw new Error(`${labelOf(object)}: ${path.why}`);
    return path;
  }
}

const applying = `fieldManager=${manager}&force=true&fieldValidation=Strict`;

/** The object of a resource; undefined for resources of other clouds. */
function objectOf(token: string, inputs: Values): KubernetesObject | undefined {
  const [cloud, version = "", kind = ""] = token.split(":");
  if (cloud !== "kubernetes") return undefined;
  return { ...inputs, apiVersion: version.replace(/^core\//, ""), kind } as unknown as KubernetesObject;
}

/** What the cluster adds to a resource: nothing that is a secret. */
function outputsOf({ metadata, status }: LiveObject): Values {
  return { metadata, ...(status !== undefined && { status }) };
}

function progressOf({ kind, metadata, spec, status = {} }: LiveObject): "ready" | "failed" | "waits" {
  const holds = (type: string) =>
    (status.conditions ?? []).some(
      (each: { type: string; status: string }) => each.type === type && each.status === "True",
    );
  switch (kind) {
    case "Deployment":
    case "StatefulSet": {
      const seen = status.observedGeneration >= (metadata["generation"] as number);
      const { replicas = 1 } = spec;
      const all = [status.updatedReplicas, status.readyReplicas, status.replicas].every(
        (count = 0) => count === replicas,
      );
      return seen && all ? "ready" : "waits";
    }
    case "Job":
      if (holds("Failed")) return "failed";
      return holds("Complete") ? "ready" : "waits";
    default:
      return "ready";
  }
}
