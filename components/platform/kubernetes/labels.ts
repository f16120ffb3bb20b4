/** How the objects of a deployment are marked, for selectors of policies, monitors and routes. Pure. */
import type { Deployment } from "../../deployment/deployment.ts";
import { tagsOf } from "../../deployment/deployment.ts";
import type { Role } from "../platform.ts";

/** Label of a node's objects: its name. */
export const nodeLabel = "app.kubernetes.io/instance";
/** Label of a node's objects: its role. */
export const roleLabel = "app.kubernetes.io/name";
/** Label of pods: `node`, or `database-setup` for the jobs that make databases. */
export const componentLabel = "app.kubernetes.io/component";
/** Label of pods: nodes of one group stand in for each other. */
export const groupLabel = "canton/group";
/** Annotation of pods: changes with what the node runs and reads. */
export const revisionAnnotation = "canton/revision";

/** Labels of every object of a deployment. */
export function commonLabels(deployment: Deployment): Record<string, string> {
  return { ...tagsOf(deployment), "app.kubernetes.io/part-of": deployment.name };
}

/** Labels of a node's objects. */
export function nodeLabels(name: string, role: Role, group: string): Record<string, string> {
  return { [nodeLabel]: name, [roleLabel]: role, [componentLabel]: "node", [groupLabel]: group };
}

/** Pods of a namespace, as rules of NetworkPolicies have them: by the label that Kubernetes gives every namespace, its name. Pure. */
export function inNamespace(name: string): { namespaceSelector: { matchLabels: Record<string, string> } } {
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } };
}
