/** The programs of a Kubernetes control plane as far as objects need it: the API server, and etcd below it. */
import { join } from "node:path";
import { goProgram } from "../../scripts/engine/go-program.ts";

/** Version of Kubernetes. Keep in step with control-plane/go.mod. */
export const kubernetesVersion = "1.34.2";
/** Keep in step with control-plane/go.mod. */
const etcdVersion = "3.6.5";
const folder = join(import.meta.dirname, "control-plane");

/** Files of the programs. */
export interface ControlPlanePrograms {
  readonly etcd: string;
  readonly apiServer: string;
}

/**
 * The programs, from the cache or built from Go modules: about five minutes on two cores, once per machine and version.
 *
 * @returns or why they cannot be had here
 */
export async function controlPlanePrograms(): Promise<ControlPlanePrograms | { readonly unavailable: string }> {
  const etcd = await goProgram(
    { name: "etcd", version: etcdVersion, folder, mainPackage: "go.etcd.io/etcd/server/v3" },
    process.env,
    console.log,
  );
  if (typeof etcd !== "string") return etcd;
  const apiServer = await goProgram(
    {
      name: "kube-apiserver",
      version: kubernetesVersion,
      folder,
      mainPackage: "k8s.io/kubernetes/cmd/kube-apiserver",
    },
    process.env,
    console.log,
  );
  return typeof apiServer === "string" ? { etcd, apiServer } : apiServer;
}
