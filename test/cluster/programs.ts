/** The programs of a whole Kubernetes on one machine. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type GoProgram, goProgram } from "../../scripts/engine/go-program.ts";
import { type DebianPackages, debianPackages } from "../debian-packages.ts";
import { type ControlPlanePrograms, controlPlanePrograms, kubernetesVersion } from "../kubernetes/programs.ts";

/** Built from Go modules, by the names of their files. */
const built = {
  controllerManager: ofKubernetes("kube-controller-manager"),
  scheduler: ofKubernetes("kube-scheduler"),
  kubelet: ofKubernetes("kubelet"),
  proxy: ofKubernetes("kube-proxy"),
  // Keep in step with network-policies/go.mod.
  networkPolicies: {
    name: "kube-network-policies",
    version: "1.1.1",
    folder: join(import.meta.dirname, "network-policies"),
    mainPackage: "sigs.k8s.io/kube-network-policies/cmd/kube-network-policies/standard",
  },
  // Keep in step with names/go.mod.
  names: { name: "cluster-names", version: "1.12.4", folder: join(import.meta.dirname, "names"), mainPackage: "." },
  pause: { name: "pause", version: "1", folder: join(import.meta.dirname, "pause"), mainPackage: "." },
} satisfies Record<string, GoProgram>;

/** What runs containers and their network, and the libraries that not every machine has. */
const machinePackages = [
  "containerd",
  "runc",
  "containernetworking-plugins",
  "iptables",
  "conntrack",
  "libip4tc2",
  "libip6tc2",
  "libmnl0",
  "libnetfilter-conntrack3",
  "libnfnetlink0",
  "libnftnl11",
  "libseccomp2",
  "libxtables12",
];

/** What builds images. */
const builderPackages = [
  "buildah",
  "golang-github-containers-common",
  "golang-github-containers-image",
  "libassuan0",
  "libdevmapper1.02.1",
  "libgpgme11",
];

/** What an image needs to run Node and the commands of a Containerfile. */
const basePackages = [
  "base-files",
  "coreutils",
  "dash",
  "findutils",
  "libacl1",
  "libattr1",
  "libc6",
  "libgcc-s1",
  "libgmp10",
  "libpcre2-8-0",
  "libselinux1",
  "libstdc++6",
];

/** Commands of this machine itself. */
const needed = ["setpriv", "unshare", "ip", "mount", "tar"];

/** Files of the programs that are built, and folders of unpacked packages. */
export interface ClusterPrograms extends ControlPlanePrograms {
  readonly go: Readonly<Record<keyof typeof built, string>>;
  readonly machine: DebianPackages;
  readonly builder: DebianPackages;
  readonly base: DebianPackages;
}

/**
 * All of them, from the cache or built: some fifteen minutes on two cores, once per machine and version.
 *
 * @returns or why they cannot be had here, or could not be run
 */
export async function clusterPrograms(): Promise<ClusterPrograms | { readonly unavailable: string }> {
  if (process.platform !== "linux") return { unavailable: "this is not Linux" };
  if (process.getuid?.() !== 0) return { unavailable: "containers are run by root" };
  for (const command of needed) {
    const found = await promisify(execFile)(command, ["--version"]).then(
      () => true,
      (error: { code?: unknown }) => error.code !== "ENOENT",
    );
    if (!found) return { unavailable: `there is no ${command} on the PATH` };
  }
  const controlPlane = await controlPlanePrograms();
  if ("unavailable" in controlPlane) return controlPlane;
  const go: Record<string, string> = {};
  for (const [key, program] of Object.entries(built)) {
    const file = await goProgram(program, process.env, console.log);
    if (typeof file !== "string") return file;
    go[key] = file;
  }
  const packages = await Promise.all(
    [machinePackages, builderPackages, basePackages].map((all) => debianPackages(...all)),
  );
  const missing = packages.find((each) => "unavailable" in each);
  if (missing !== undefined) return missing as { unavailable: string };
  const [machine, builder, base] = packages as [DebianPackages, DebianPackages, DebianPackages];
  return { ...controlPlane, go: go as ClusterPrograms["go"], machine, builder, base };
}

function ofKubernetes(name: string): GoProgram {
  return {
    name,
    version: kubernetesVersion,
    folder: join(import.meta.dirname, "..", "kubernetes", "control-plane"),
    mainPackage: `k8s.io/kubernetes/cmd/${name}`,
  };
}
