/** A whole Kubernetes in a machine of its own: control plane, kubelet, containers, network, policies and names. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ApiClient } from "../kubernetes/api-client.ts";
import type { KubernetesObject } from "../kubernetes/object-paths.ts";
import { ControlGroup } from "./control-group.ts";
import { type NodeImages, pauseImage, pinnedName } from "./images/node-images.ts";
import { LiveObjects } from "./live-objects.ts";
import { Machine, machineAddress } from "./machine.ts";
import { nameServerAddress, nameServerObjects } from "./name-server.ts";
import type { ClusterPrograms } from "./programs.ts";

/** Longest time until a part of the cluster is there. */
const startMs = 120_000;
const apiPort = 6443;
const etcdPort = 2379;
const serviceAddresses = "10.96.0.0/16";
const podAddresses = "10.244.0.0/24";
const bridge = "pods";
const machineName = "machine";
/** Queue by which the kernel asks about a connection. */
const policyQueue = "102";
const containerdSocket = "/run/containerd/containerd.sock";

/** Who the parts of the cluster are to its API server: user, and groups. */
const users = {
  administrator: ["tests", "system:masters"],
  controllerManager: ["system:kube-controller-manager", ""],
  scheduler: ["system:kube-scheduler", ""],
  kubelet: [`system:node:${machineName}`, "system:nodes"],
  proxy: ["system:kube-proxy", ""],
} as const;
type User = keyof typeof users;

/** A cluster that runs. */
export class Cluster implements AsyncDisposable {
  readonly machine: Machine;
  /** Asks its API server as an administrator. */
  readonly client: ApiClient;
  /** Its objects. */
  readonly objects: LiveObjects;
  readonly #group: ControlGroup;

  private constructor(machine: Machine, client: ApiClient, group: ControlGroup) {
    this.machine = machine;
    this.client = client;
    this.objects = new LiveObjects(client);
    this.#group = group;
  }

  /**
   * Starts one; needs root.
   *
   * @param folder for all that it writes
   * @throws Error with the ends of the logs of its programs
   */
  static async start(programs: ClusterPrograms, images: NodeImages, folder: string): Promise<Cluster> {
    const machine = await Machine.start({ folder, packages: programs.machine, nameServer: nameServerAddress });
    const group = ControlGroup.create();
    let client: ApiClient | undefined;
    try {
      const parts = new Parts(machine, programs, group);
      client = await parts.startControlPlane();
      const cluster = new Cluster(machine, client, group);
      await parts.startContainers(images);
      await parts.startNode(client);
      await parts.startPolicies();
      for (const object of nameServerObjects) await cluster.objects.apply(object);
      await cluster.objects.untilReady(nameServerObjects.find(({ kind }) => kind === "Deployment") as KubernetesObject);
      return cluster;
    } catch (error) {
      const logs = machine.logs;
      client?.disconnect();
      await machine[Symbol.asyncDispose]();
      await group.remove();
      throw new Error(`${(error as Error).message}\n\n${logs}`);
    }
  }

  /** Runs containerd's own client. @returns what it printed */
  containers(...args: string[]): Promise<string> {
    return this.machine.run("ctr", "--namespace=k8s.io", ...args);
  }

  /** The ends of what pods have written. */
  podLogs(): string {
    const folder = this.machine.folder("var", "log", "pods");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".log"));
    return files.map((file) => `${file}:\n${readFileSync(join(folder, file), "utf8").slice(-2000)}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.disconnect();
    await this.machine[Symbol.asyncDispose]();
    await this.#group.remove();
  }
}

/** Starts the parts one after another. */
class Parts {
  readonly #machine: Machine;
  readonly #programs: ClusterPrograms;
  readonly #group: ControlGroup;
  readonly #folder: string;
  readonly #tokens: Readonly<Record<User, string>>;

  constructor(machine: Machine, programs: ClusterPrograms, group: ControlGroup) {
    this.#machine = machine;
    this.#programs = programs;
    this.#group = group;
    this.#folder = machine.folder("cluster");
    const token = () => randomBytes(24).toString("hex");
    this.#tokens = Object.fromEntries(Object.keys(users).map((user) => [user, token()])) as Record<User, string>;
  }

  async startControlPlane(): Promise<ApiClient> {
    const { apiServer, etcd, go } = this.#programs;
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    await this.#machine.start("etcd", etcd, [
      `--data-dir=${this.#machine.folder("etcd")}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      "--listen-peer-urls=http://127.0.0.1:2380",
      "--unsafe-no-fsync",
    ]);
    const { privateKey, publicKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    const signingKey = this.#write("service-accounts.key", privateKey);
    const known = Object.entries(users).map(
      ([user, [name, groups]]) => `${this.#tokens[user as User]},${name},${name},"${groups}"\n`,
    );
    await this.#machine.start("kube-apiserver", apiServer, [
      `--etcd-servers=${etcdUrl}`,
      "--bind-address=0.0.0.0",
      `--advertise-address=${machineAddress}`,
      `--secure-port=${apiPort}`,
      // It signs a certificate for itself, and keeps it here.
      `--cert-dir=${this.#folder}`,
      `--token-auth-file=${this.#write("tokens.csv", known.join(""))}`,
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      `--service-account-key-file=${this.#write("service-accounts.pub", publicKey)}`,
      `--service-account-signing-key-file=${signingKey}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-cluster-ip-range=${serviceAddresses}`,
    ]);
    const certificate = await until("a certificate of the API server", async () => {
      const pem = existsSync(this.#certificate) ? readFileSync(this.#certificate, "utf8") : "";
      return pem.trimEnd().endsWith("-----END CERTIFICATE-----") ? pem : undefined;
    });
    const port = await this.#machine.tunnel(machineAddress, apiPort);
    const client = new ApiClient({ port, token: this.#tokens.administrator, certificate });
    await until("the API server", async () => {
      const answer = await client.ask("/readyz").catch(() => undefined);
      return answer?.status === 200 || undefined;
    });
    const local = ["--bind-address=127.0.0.1", "--leader-elect=false"];
    await this.#machine.start("kube-controller-manager", go.controllerManager, [
      `--kubeconfig=${this.#kubeconfig("controllerManager")}`,
      ...local,
      "--use-service-account-credentials",
      `--service-account-private-key-file=${signingKey}`,
      // Pods know the API server by it.
      `--root-ca-file=${this.#certificate}`,
    ]);
    await this.#machine.start("kube-scheduler", go.scheduler, [
      `--kubeconfig=${this.#kubeconfig("scheduler")}`,
      ...local,
    ]);
    return client;
  }

  async startContainers({ archive, digests }: NodeImages): Promise<void> {
    const networks = this.#machine.folder("networks");
    const addresses = { type: "host-local", ranges: [[{ subnet: podAddresses }]], routes: [{ dst: "0.0.0.0/0" }] };
    const network = { type: "bridge", bridge, isGateway: true, hairpinMode: true, ipam: addresses };
    writeFileSync(
      join(networks, "pods.conflist"),
      JSON.stringify({ cniVersion: "1.0.0", name: bridge, plugins: [network] }),
    );
    const config = this.#write(
      "containerd.toml",
      [
        "version = 2",
        '[plugins."io.containerd.grpc.v1.cri"]',
        `sandbox_image = "${pauseImage}"`,
        // Where root itself may not lower the score of a process.
        "restrict_oom_score_adj = true",
        '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]',
        'runtime_type = "io.containerd.runc.v2"',
        '[plugins."io.containerd.grpc.v1.cri".cni]',
        'bin_dir = "/usr/lib/cni"',
        `conf_dir = "${networks}"`,
        "",
      ].join("\n"),
    );
    await this.#machine.start("containerd", "containerd", [`--config=${config}`], this.#environment());
    const ctr = (...args: string[]) => this.#machine.run("ctr", "--namespace=k8s.io", ...args);
    await until("containerd", async () => {
      return (await ctr("version").catch(() => undefined)) !== undefined || undefined;
    });
    await ctr("images", "import", archive);
    // As if they had been pulled by their digests.
    for (const [name, digest] of digests) await ctr("images", "tag", name, pinnedName(name, digest));
  }

  async startNode(client: ApiClient): Promise<void> {
    const { go } = this.#programs;
    const config = {
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
      authorization: { mode: "Webhook" },
      address: machineAddress,
      cgroupDriver: "cgroupfs",
      cgroupRoot: this.#group.path,
      failCgroupV1: false,
      failSwapOn: false,
      protectKernelDefaults: true,
      containerRuntimeEndpoint: `unix://${containerdSocket}`,
      clusterDNS: [nameServerAddress],
      clusterDomain: "cluster.local",
      resolvConf: this.#write("resolv.conf", `nameserver ${nameServerAddress}\n`),
      imageGCHighThresholdPercent: 100,
      // Of a disk that others use, too.
      evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
    };
    await this.#machine.start(
      "kubelet",
      go.kubelet,
      [
        `--config=${this.#write("kubelet.json", JSON.stringify(config))}`,
        `--kubeconfig=${this.#kubeconfig("kubelet")}`,
        `--hostname-override=${machineName}`,
        `--node-ip=${machineAddress}`,
      ],
      this.#environment(),
    );
    await this.#machine.start(
      "kube-proxy",
      go.proxy,
      [
        `--kubeconfig=${this.#kubeconfig("proxy")}`,
        `--hostname-override=${machineName}`,
        "--proxy-mode=iptables",
        `--cluster-cidr=${podAddresses}`,
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
      ],
      this.#environment(),
    );
    await until("a machine that is ready", async () => {
      const { body } = await client.ask(`/api/v1/nodes/${machineName}`);
      const conditions: { type: string; status: string }[] = body.status?.conditions ?? [];
      return conditions.some(({ type, status }) => type === "Ready" && status === "True") || undefined;
    });
  }

  /** Every new connection of a pod, from one or to one, is asked about; those of the machine itself, such as probes, are not. */
  async startPolicies(): Promise<void> {
    await this.#machine.start(
      "kube-network-policies",
      this.#programs.go.networkPolicies,
      [
        `--kubeconfig=${this.#kubeconfig("administrator")}`,
        `--hostname-override=${machineName}`,
        "--disable-nri",
        `--nfqueue-id=${policyQueue}`,
      ],
      this.#environment(),
    );
    // Its own rules need a part of the kernel that not every one has; where they are there, it is asked twice.
    const hooks = [
      ["FORWARD", "-o", bridge],
      ["FORWARD", "-i", bridge, "!", "-o", bridge],
      ["INPUT", "-i", bridge],
    ];
    for (const hook of hooks) {
      const ask = ["-m", "conntrack", "--ctstate", "NEW", "-j", "NFQUEUE", "--queue-num", policyQueue];
      await this.#machine.run("iptables-nft", "-t", "mangle", "-A", ...hook, ...ask);
    }
  }

  get #certificate(): string {
    return join(this.#folder, "apiserver.crt");
  }

  /** What programs see that change the kernel's rules: `iptables` is a choice that a package's installation makes. */
  #environment(): NodeJS.ProcessEnv {
    const folder = this.#machine.folder("bin");
    const names = ["iptables", "ip6tables"].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);
    for (const name of names) {
      const link = join(folder, name);
      rmSync(link, { force: true });
      symlinkSync("/usr/sbin/xtables-nft-multi", link);
    }
    return { PATH: `${folder}:${process.env["PATH"]}:/usr/sbin:/sbin` };
  }

  #kubeconfig(user: User): string {
    const cluster = { server: `https://${machineAddress}:${apiPort}`, "certificate-authority": this.#certificate };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "cluster", cluster }],
      users: [{ name: "user", user: { token: this.#tokens[user] } }],
      contexts: [{ name: "context", context: { cluster: "cluster", user: "user" } }],
      "current-context": "context",
    };
    return this.#write(`${user}.kubeconfig`, JSON.stringify(config));
  }

  #write(name: string, content: string): string {
    const file = join(this.#folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }
}

/** Waits for a value. @throws Error saying what did not come */
async function until<T>(what: string, value: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + startMs;
  for (;;) {
    const found = await value();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`there is no ${what.replace(/^(an?|the) /, "")} after ${startMs} ms`);
    await delay(100);
  }
}
