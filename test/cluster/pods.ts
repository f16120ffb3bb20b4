/** The pods of a namespace, looked at and tried from the inside. */
import { randomUUID } from "node:crypto";
import { componentLabel, nodeLabel } from "@pulumi-canton/components/platform/kubernetes/labels.ts";
import { containerSecurity, podSecurity } from "@pulumi-canton/components/platform/kubernetes/pod-plan.ts";
import { expect } from "vitest";
import type { Cluster } from "./cluster.ts";

/** A pod as far as it is of interest here. */
export interface Pod {
  /** The node that it runs. */
  readonly node: string;
  readonly name: string;
  readonly uid: string;
  readonly image: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** What containerd calls its container; empty before there is one. */
  readonly container: string;
}

/** A pod that does nothing and asks for nothing, with the labels by which {@link Pods} finds it. */
export function podOf(name: string, namespace: string, image: string) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { [nodeLabel]: name, [componentLabel]: "node" } },
    spec: {
      securityContext: podSecurity,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: "idle",
          image,
          command: ["node", "-e", "setInterval(() => {}, 60_000)"],
          securityContext: containerSecurity,
        },
      ],
    },
  };
}

/** Tries to connect and tells how that ended. What a policy drops is never answered. */
const connecting = `
  const [host, port] = process.argv.slice(1);
  const socket = require("node:net").connect(Number(port), host);
  const end = (text) => { console.log(text); process.exit(0); };
  socket.once("connect", () => end("connected")).once("error", (error) => end(error.code));
  setTimeout(() => end("no answer"), 3000);
`;

/** Pods of a namespace. */
export class Pods {
  readonly #cluster: Cluster;
  readonly namespace: string;

  constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster;
    this.namespace = namespace;
  }

  /** Those of a node that do not end. */
  async of(node: string): Promise<Pod[]> {
    return this.#list(`${nodeLabel}=${node},${componentLabel}=node`);
  }

  /** Waits until a node has one pod, which is ready and for which all holds that is asked for. */
  async untilReady(node: string, holds: (pod: Pod) => boolean = () => true): Promise<Pod> {
    await expect
      .poll(async () => (await this.of(node)).map((pod) => pod.ready && holds(pod)), {
        timeout: 120_000,
        interval: 500,
      })
      .toEqual([true]);
    const [pod] = await this.of(node);
    return pod as Pod;
  }

  /** Starts a pod that does nothing, in a namespace that is made for it. */
  async start(name: string, image: string): Promise<Pod> {
    await this.#cluster.objects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: this.namespace } });
    await expect
      .poll(() => this.#cluster.objects.apply(podOf(name, this.namespace, image)).then(() => "there", String), {
        timeout: 30_000,
      })
      .toBe("there");
    return this.untilReady(name);
  }

  /** Tries to connect from inside of a node's pod. @returns `connected`, `no answer`, or the code of an error */
  async tries(node: string, host: string, port: number): Promise<string> {
    const { container } = await this.untilReady(node);
    const output = await this.#cluster.containers(
      ...["tasks", "exec", "--exec-id", randomUUID(), container],
      ...["node", "-e", connecting, host, String(port)],
    );
    return output.trim();
  }

  /** Asks for a pod to be moved away. @returns the status of the answer */
  async evict({ name }: Pod): Promise<number> {
    const path = `/api/v1/namespaces/${this.namespace}/pods/${name}/eviction`;
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: this.namespace } };
    return (await this.#cluster.client.ask(path, { method: "POST", body })).status;
  }

  /** Deletes a pod. */
  async delete({ name }: Pod): Promise<void> {
    await this.#cluster.client.ask(`/api/v1/namespaces/${this.namespace}/pods/${name}`, { method: "DELETE" });
  }

  /** Events that are no good sign, and the state of all pods, for those that look for what went wrong. */
  async report(): Promise<string> {
    const ask = async (what: string) =>
      (await this.#cluster.client.ask(`/api/v1/namespaces/${this.namespace}/${what}`)).body.items ?? [];
    const events = (await ask("events")).filter(({ type }: { type: string }) => type !== "Normal");
    const lines = events.map((event: any) => `${event.involvedObject.name}: ${event.reason}: ${event.message}`);
    const states = (await ask("pods")).map(
      ({ metadata, status }: any) => `${metadata.name}: ${JSON.stringify(status)}`,
    );
    return [...lines, ...states, this.#cluster.podLogs()].join("\n");
  }

  async #list(selector: string): Promise<Pod[]> {
    const path = `/api/v1/namespaces/${this.namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
    const { body } = await this.#cluster.client.ask(path);
    return body.items
      .filter(({ metadata }: any) => metadata.deletionTimestamp === undefined)
      .map(({ metadata, spec, status }: any) => ({
        node: metadata.labels[nodeLabel],
        name: metadata.name,
        uid: metadata.uid,
        image: spec.containers[0].image,
        ready: (status.conditions ?? []).some(({ type, status: is }: any) => type === "Ready" && is === "True"),
        restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
        container: (status.containerStatuses?.[0]?.containerID ?? "").replace("containerd://", ""),
      }));
  }
}
