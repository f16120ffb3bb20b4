/** What the pods of all parts have in common. Pure. */
import { createHash } from "node:crypto";
import { type Part, partLabels } from "./names.ts";

/** What a container asks for, and may use of memory. */
export interface Resources {
  /** Example: `"100m"`. */
  readonly cpu: string;
  /** Asked for and never exceeded. Example: `"512Mi"`. */
  readonly memory: string;
}

/** A container may do nothing that it does not need. */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

/** A pod's user, who is not root. */
export function podSecurity(user: number) {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    seccompProfile: { type: "RuntimeDefault" },
  };
}

/** Memory is asked for as a whole: what is over-committed is killed when it is needed most. */
export function resources({ cpu, memory }: Resources) {
  return { requests: { cpu, memory }, limits: { memory } };
}

/** Probes on a part's port `http`. */
export function probes(live: string, ready = live) {
  const probe = (path: string) => ({ httpGet: { path, port: "http" }, timeoutSeconds: 3 });
  return {
    // Reading back what was written before a crash takes minutes.
    startupProbe: { ...probe(ready), periodSeconds: 5, failureThreshold: 120 },
    livenessProbe: { ...probe(live), periodSeconds: 15, failureThreshold: 4 },
    readinessProbe: { ...probe(ready), periodSeconds: 5, failureThreshold: 3 },
  };
}

/** Replicas apart from each other, over zones and machines, where there is room. */
export function spread(part: Part) {
  const labelSelector = { matchLabels: partLabels(part) };
  return {
    topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector,
    })),
  };
}

/** Annotation that changes with the files that a pod reads when it starts, so that it starts anew. */
export function revisionOf(...files: readonly string[]): Record<string, string> {
  return { "canton/revision": createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16) };
}
