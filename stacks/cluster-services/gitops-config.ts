/** What is reconciled from git, as the configuration of `cluster-services` has it. */
import type { Environment } from "@pulumi-canton/components/deployment/deployment.ts";
import { checkGitSource } from "@pulumi-canton/components/gitops/git-source.ts";
import { z } from "zod";
import { nodeName } from "../config/nodes.ts";

/** A key of a Secret in the namespace of the objects. */
const secretKey = z.strictObject({ secret: z.string().min(1), key: z.string().min(1) });

const source = z
  .strictObject({
    /** By https or ssh, without a password in it. */
    repository: z.string(),
    /** Branch, tag or commit; in production a commit. */
    revision: z.string(),
    /** Folder in the repository. Default: its root. */
    path: z.string().min(1).optional(),
  })
  .superRefine(({ repository, revision, path }, context) => {
    try {
      checkGitSource("", { repository, revision, ...(path !== undefined && { path }) });
    } catch (error) {
      const [, key = "", message = ""] = /^\.(\w+): (.*)$/s.exec((error as Error).message) ?? [];
      context.addIssue({ code: "custom", message: message.replace(/^got "[^"]*"; /, ""), path: [key] });
    }
  });

const argo = z.strictObject({
  /** Namespace of Argo CD. */
  namespace: nodeName.default("argocd"),
  /** Folder with objects, such as the `Stack` of a Pulumi operator. */
  source,
  /** Argo CD's project. Default: one is made, for this source and this destination only. */
  project: nodeName.optional(),
  /** `automatic`: what is in git is brought about at once; `manual`: a person presses the button. Default: in production `manual`. */
  sync: z.enum(["automatic", "manual"]).optional(),
  /** Deletes objects that are no longer in git. */
  prune: z.boolean().default(false),
});

const operatorStack = z.strictObject({
  /** Name of the object. */
  name: nodeName,
  /** The stack, such as `organization/pulumi-canton/kubernetes-production`. */
  stack: z
    .string()
    .regex(/^(?:[\w.-]+\/){0,2}[\w.-]+$/, "expected stack, organization/stack or organization/project/stack"),
  /** Objects before it in the list, whose stacks have to be up before. */
  after: z.array(nodeName).default([]),
  /** Values of its configuration that are no secrets, over those of its file. */
  config: z.record(z.string(), z.string()).default({}),
  /** Only shows what an update would do. */
  previewOnly: z.boolean().default(false),
  /** Destroys all that the stack made when the object is deleted; not in production. */
  destroyOnDelete: z.boolean().default(false),
  /** Role that its program gets in the namespace of the objects. Default: none; the stacks of nodes bring their own kubeconfig. */
  clusterRole: nodeName.optional(),
});

const operator = z.strictObject({
  /** Folder with `Pulumi.yaml`. */
  source,
  /** Token for the repository. Default: everybody may read it. */
  repositoryToken: secretKey.optional(),
  /** Where states are. Default: Pulumi's own service. */
  backend: z
    .string()
    .regex(
      /^(?:s3|gs|azblob):\/\/\S+$|^https:\/\/\S+$/,
      "expected s3://, gs://, azblob:// or https://, which outlive a pod",
    )
    .optional(),
  /** Passphrase of the stacks' secrets, where they are under one. */
  passphrase: secretKey.optional(),
  /** Further variables of programs, from Secrets. */
  environment: z
    .record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/, "expected the name of a variable"), secretKey)
    .default({}),
  /** Image that runs programs, with Node 24; in production by its digest. Default: the operator's. */
  image: z.string().min(1).optional(),
  /** Seconds after which drift is looked for even if nothing was pushed. */
  resyncSeconds: z.int().min(60).max(604_800).default(3600),
  stacks: z.array(operatorStack).min(1).max(10),
});

/** The section `gitops`: either way. */
export const gitopsSchema = z.strictObject({
  /** Namespace that objects from git go to, or those for the operator. Default: the name and `-gitops`. */
  namespace: nodeName.optional(),
  /** Argo CD takes objects out of git. */
  argo: argo.optional(),
  /** The Pulumi operator updates stacks from git. */
  operator: operator.optional(),
});

/** That section, checked. */
export type GitopsConfig = z.output<typeof gitopsSchema>;

/** What is wrong with how its keys go together. */
export function gitopsProblems({ argo: byArgo, operator: byOperator }: GitopsConfig): string[] {
  const problems: string[] = [];
  if ((byArgo === undefined) === (byOperator === undefined)) {
    problems.push(`gitops: got ${byArgo ? "argo and operator" : "neither argo nor operator"}; expected exactly one`);
  }
  if (byArgo?.sync === "manual" && byArgo.prune) {
    problems.push(
      "gitops.argo.prune: got true with sync manual, where the person who syncs says so; expected automatic",
    );
  }
  if (byOperator === undefined) return problems;
  const { backend, passphrase, environment, stacks } = byOperator;
  if (backend === undefined && environment["PULUMI_ACCESS_TOKEN"] === undefined) {
    problems.push(
      "gitops.operator.environment.PULUMI_ACCESS_TOKEN is required without backend: states are in Pulumi's service; expected { secret, key }, or backend",
    );
  }
  if (passphrase !== undefined && environment["PULUMI_CONFIG_PASSPHRASE"] !== undefined) {
    problems.push(
      "gitops.operator.environment.PULUMI_CONFIG_PASSPHRASE: is set beside passphrase, which says it too; expected one of both",
    );
  }
  stacks.forEach(({ name, stack, after }, index) => {
    const key = `gitops.operator.stacks[${index}]`;
    const before = stacks.slice(0, index);
    const names = before.map((each) => each.name);
    if (names.includes(name)) problems.push(`${key}.name: got "${name}" a second time; expected each once`);
    if (before.some((each) => each.stack === stack)) {
      problems.push(`${key}.stack: got "${stack}" a second time; expected each once, or two would update it at once`);
    }
    for (const other of after) {
      if (names.includes(other)) continue;
      problems.push(
        `${key}.after: got "${other}"; expected one before it in the list${names.length > 0 ? `: ${names.join(", ")}` : ", of which it is the first"}`,
      );
    }
  });
  return problems;
}

const commit = /^[0-9a-f]{40}$/;

/** What is wrong with it in an environment, besides its image. */
export function gitopsEnvironmentProblems(
  { argo: byArgo, operator: byOperator }: GitopsConfig,
  environment: Environment,
): string[] {
  if (environment !== "production") return [];
  const problems: string[] = [];
  for (const [key, section] of Object.entries({ argo: byArgo, operator: byOperator })) {
    if (section === undefined || commit.test(section.source.revision)) continue;
    problems.push(
      `gitops.${key}.source.revision: got "${section.source.revision}", which can move; expected a commit in production, 40 hexadecimal digits`,
    );
  }
  byOperator?.stacks.forEach(({ destroyOnDelete }, index) => {
    if (!destroyOnDelete) return;
    problems.push(
      `gitops.operator.stacks[${index}].destroyOnDelete: got true; expected false in production, which does not go with an object`,
    );
  });
  return problems;
}
