import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { type Deployment, tagsOf } from "../deployment/deployment.ts";
import { checkGitSource, type GitSource } from "./git-source.ts";

/** Arguments of an `ArgoApplication`. */
export interface ArgoApplicationArgs {
  readonly deployment: Deployment;
  /** The folder with the objects, such as the `Stack` of a Pulumi operator. */
  readonly source: GitSource;
  /** Namespace that objects go to which name none. */
  readonly destinationNamespace: string;
  /** Cluster, by the address of its API server. Default: the one that Argo CD runs in. */
  readonly destinationServer?: string;
  /** Namespace of Argo CD. Default: `argocd`. */
  readonly argoNamespace?: string;
  /** Argo CD's project, which says what may go where. Default: a project is made, for this source and this destination only. */
  readonly project?: string;
  /**
   * `automatic`: what is in git is brought about at once, and what was changed by hand is put back; `manual`: a person presses the
   * button. Default: `automatic`, in `production` `manual`.
   */
  readonly sync?: "automatic" | "manual";
  /** Deletes objects that are no longer in git. Default: false: a deleted `Stack` may destroy what it stands for. */
  readonly prune?: boolean;
}

/**
 * Has Argo CD keep a folder of a git repository and a namespace the same.
 *
 * Resources: 1 + 2, with a project that is there already 1 + 1.
 *
 * Cost: nothing of its own.
 */
export class ArgoApplication extends ComponentResource {
  constructor(name: string, args: ArgoApplicationArgs, options: ComponentResourceOptions = {}) {
    super("pulumi-canton:gitops:ArgoApplication", name, {}, options);
    checkGitSource("source", args.source);
    const { deployment, source, argoNamespace: namespace = "argocd", prune = false } = args;
    const { sync = deployment.environment === "production" ? "manual" : "automatic" } = args;
    const destination = {
      server: args.destinationServer ?? "https://kubernetes.default.svc",
      namespace: args.destinationNamespace,
    };
    const make = (kind: string, spec: unknown, dependsOn: CustomResource[] = []) =>
      new CustomResource(
        `${name}-${kind.toLowerCase()}`,
        { apiVersion: "argoproj.io/v1alpha1", kind, metadata: { name, namespace, labels: tagsOf(deployment) }, spec },
        { parent: this, dependsOn },
      );
    const made =
      args.project === undefined
        ? [
            make("AppProject", {
              description: `What ${deployment.name} takes from git`,
              sourceRepos: [source.repository],
              destinations: [destination],
              // Nothing that belongs to the whole cluster.
              clusterResourceWhitelist: [],
            }),
          ]
        : [];
    const application = {
      project: args.project ?? name,
      source: { repoURL: source.repository, targetRevision: source.revision, path: source.path ?? "." },
      destination,
      syncPolicy: {
        ...(sync === "automatic" && { automated: { prune, selfHeal: true, allowEmpty: false } }),
        syncOptions: ["ServerSideApply=true", "CreateNamespace=false"],
        retry: { limit: 5, backoff: { duration: "10s", factor: 2, maxDuration: "5m" } },
      },
      revisionHistoryLimit: 10,
    };
    make("Application", application, made);
    this.registerOutputs({});
  }
}
