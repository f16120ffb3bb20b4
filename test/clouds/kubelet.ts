/**
 * Runs the pods of our own nodes as processes of this machine: what a machine of a cluster does with a Deployment and a Job, as
 * far as these need it. Every node gets a loopback address of its own, under the name of its Service.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/environment/paths.ts";
import type { Named, Watcher } from "./stand-in/stand-in-clouds.ts";

type Values = Readonly<Record<string, any>>;

/** Where images have their files. */
const inPods = "/etc/canton";
const setUpProgram = join(root, "node-images", "runtime", "database-setup", "main.ts");
const preload = join(import.meta.dirname, "service-names.ts");

/** An object's name in the cluster, as its name server has it: `sequencer1.canton`. */
const nameOf = ({ metadata }: Values) => `${metadata.name}.${metadata.namespace}`;

/** A pod that runs. */
interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
}

/** Runs what a stack asks a cluster for. */
export class Kubelet implements Watcher, AsyncDisposable {
  readonly #folder: string;
  readonly #addresses: Readonly<Record<string, string>>;
  /** ConfigMaps and Secrets, by kind, name and namespace. */
  readonly #files = new Map<string, Readonly<Record<string, string>>>();
  readonly #running = new Map<string, Running>();

  /**
   * @param folder for the files and logs of pods
   * @param addresses the loopback address of each node, by name and namespace. Example: `{ "alice.canton": "127.0.77.1" }`
   */
  constructor(folder: string, addresses: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#addresses = addresses;
  }

  /** Names and namespaces of the nodes whose processes run. */
  get nodes(): string[] {
    return [...this.#running]
      .filter(([, { process }]) => process.exitCode === null)
      .map(([name]) => name)
      .sort();
  }

  /** The text of a file of a node's ConfigMap. */
  config(node: string, key: string): string | undefined {
    return this.#files.get(`configMap ${node}`)?.[key];
  }

  /** What a node has written to its log. */
  log(node: string): string {
    return readFileSync(join(this.#folder, `${node}.log`), "utf8");
  }

  async put({ token, inputs }: Named & { readonly inputs: Values }): Promise<undefined> {
    switch (token) {
      case "kubernetes:core/v1:ConfigMap":
        this.#files.set(`configMap ${nameOf(inputs)}`, inputs["data"]);
        break;
      case "kubernetes:core/v1:Secret":
        this.#files.set(`secret ${nameOf(inputs)}`, inputs["stringData"]);
        break;
      case "kubernetes:batch/v1:Job": {
        const { process, ended } = this.#start(inputs, setUpProgram);
        await ended;
        const name = nameOf(inputs);
        if (process.exitCode !== 0) throw new Error(`the job ${name} failed:\n${this.log(name)}`);
        break;
      }
      case "kubernetes:apps/v1:Deployment": {
        await this.#stop(nameOf(inputs));
        const role = inputs["metadata"].labels["app.kubernetes.io/name"];
        this.#running.set(nameOf(inputs), this.#start(inputs, join(root, "node-images", role, "main.ts")));
        break;
      }
    }
  }

  async removed({ token, inputs }: Named & { readonly inputs: Values }): Promise<void> {
    if (token === "kubernetes:apps/v1:Deployment") await this.#stop(nameOf(inputs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.#stop(name)));
  }

  /** Starts the program of an object's pod with the files and the environment that its container has. */
  #start(object: Values, program: string): Running {
    const name = nameOf(object);
    const { namespace } = object["metadata"];
    const pod = object["spec"].template.spec;
    const folder = mkdtempSync(join(this.#folder, `${name}-`));
    const [container] = pod.containers;
    const place = (text: string) => text.replaceAll(inPods, folder);
    for (const mount of container.volumeMounts) {
      const volume = pod.volumes.find((each: Values) => each["name"] === mount.name);
      this.#mount(volume, namespace, place(mount.mountPath), (text) =>
        place(text).replaceAll("0.0.0.0", this.#addresses[name] ?? ""),
      );
    }
    const env = Object.fromEntries(
      (container.env ?? []).map((each: Values) => [each["name"], this.#valueOf(each, namespace)]),
    );
    const child = spawn(process.execPath, ["--import", preload, program, ...container.args.map(place)], {
      env: { ...process.env, ...env, SERVICE_ADDRESSES: JSON.stringify(this.#addresses) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log = createWriteStream(join(this.#folder, `${name}.log`));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    return { process: child, ended: once(child, "close").then(() => log.end()) };
  }

  #mount(volume: Values, namespace: string, folder: string, place: (text: string) => string): void {
    if (volume["emptyDir"] !== undefined) return;
    const { secret, configMap } = volume;
    const source = secret ? `secret ${secret.secretName}` : `configMap ${configMap.name}`;
    const files = this.#files.get(`${source}.${namespace}`) ?? {};
    const items: { key: string; path: string }[] =
      secret?.items ?? Object.keys(files).map((key) => ({ key, path: key }));
    mkdirSync(folder, { recursive: true });
    for (const { key, path } of items) {
      const text = files[key];
      if (text === undefined) throw new Error(`${JSON.stringify(volume)}: there is no ${key}`);
      writeFileSync(join(folder, path), path.endsWith(".yaml") ? place(text) : text, { mode: secret ? 0o440 : 0o444 });
    }
  }

  #valueOf({ value, valueFrom }: Values, namespace: string): string {
    if (valueFrom === undefined) return value;
    const { name, key } = valueFrom.secretKeyRef;
    return this.#files.get(`secret ${name}.${namespace}`)?.[key] ?? "";
  }

  /** Ends a node as its pod ends: it is told, and waited for. */
  async #stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    if (running === undefined) return;
    running.process.kill("SIGTERM");
    await running.ended;
  }
}
