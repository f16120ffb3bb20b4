import { beforeAll, expect, test } from "vitest";
import { Collector, childrenOf } from "../../test/kubernetes/collect.ts";
import { ArgoApplication, type ArgoApplicationArgs } from "./argo-application.ts";
import { checkGitSource, type GitSource } from "./git-source.ts";
import { OperatorStack, type OperatorStackArgs } from "./operator-stack.ts";

let collector: Collector;
beforeAll(async () => {
  collector = await Collector.start();
});

const source: GitSource = { repository: "https://git.example.com/ledger/canton.git", revision: "main", path: "stacks" };
const production = { name: "canton", environment: "production" } as const;
const dev = { name: "canton-dev", environment: "dev" } as const;

test.each<[Partial<GitSource>, RegExp]>([
  [{ repository: "http://git.example.com/x" }, /^source.repository: got "http:/],
  [{ repository: "https://user:password@git.example.com/x" }, /without a password in it/],
  [{ revision: "main..next^" }, /^source.revision: got/],
  [{ path: "/etc" }, /^source.path: got "\/etc"/],
  [{ path: "a/../../b" }, /^source.path: got "a\/..\/..\/b"/],
])("refuses the source %j", (change, reason) => {
  expect(() => checkGitSource("source", { ...source, ...change })).toThrow(reason);
});

test.each(["https://git.example.com/a.git", "ssh://git@git.example.com/a.git", "git@git.example.com:ledger/a.git"])(
  "takes the repository %s",
  (repository) => expect(() => checkGitSource("source", { ...source, repository })).not.toThrow(),
);

async function argo(change: Partial<ArgoApplicationArgs>): Promise<Record<string, any>> {
  const args = { deployment: production, source, destinationNamespace: "pulumi", ...change };
  const objects = await collector.objects(() => new ArgoApplication("canton", args));
  return Object.fromEntries(objects.map(({ kind, spec }) => [kind, spec]));
}

test("an application of Argo CD may take this source to this place only", async () => {
  let application: ArgoApplication | undefined;
  await collector.objects(() => {
    application = new ArgoApplication("canton", { deployment: production, source, destinationNamespace: "pulumi" });
  });
  expect(await childrenOf(application as ArgoApplication)).toEqual([
    "kubernetes:argoproj.io/v1alpha1:AppProject canton-appproject",
    "kubernetes:argoproj.io/v1alpha1:Application canton-application",
  ]);
  const { AppProject, Application } = await argo({});
  const destination = { server: "https://kubernetes.default.svc", namespace: "pulumi" };
  expect(AppProject).toMatchObject({
    sourceRepos: [source.repository],
    destinations: [destination],
    clusterResourceWhitelist: [],
  });
  expect(Application).toMatchObject({
    project: "canton",
    source: { repoURL: source.repository, targetRevision: "main", path: "stacks" },
    destination,
  });
  expect(await argo({ project: "default" })).toEqual({ Application: { ...Application, project: "default" } });
});

test("production waits for a person, and what is gone from git stays where nobody said otherwise", async () => {
  expect((await argo({}))["Application"].syncPolicy).not.toHaveProperty("automated");
  expect((await argo({ deployment: dev }))["Application"].syncPolicy.automated).toEqual({
    prune: false,
    selfHeal: true,
    allowEmpty: false,
  });
  expect((await argo({ sync: "automatic", prune: true }))["Application"].syncPolicy.automated.prune).toBe(true);
});

test("a stack of the operator runs as an account of its own, with the rights that it was given", async () => {
  const args: OperatorStackArgs = {
    deployment: production,
    namespace: "pulumi",
    stack: "prod",
    source,
    passphrase: { secret: "state", key: "passphrase" },
    environment: { TOKEN: { secret: "tokens", key: "pulumi" } },
    after: ["infrastructure"],
    clusterRole: "admin",
  };
  let stack: OperatorStack | undefined;
  const objects = await collector.objects(() => {
    stack = new OperatorStack("prod", args);
  });
  expect(await childrenOf(stack as OperatorStack)).toEqual([
    "kubernetes:core/v1:ServiceAccount prod",
    "kubernetes:pulumi.com/v1:Stack prod",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding prod",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding prod",
  ]);
  const of = (kind: string) => objects.find((each) => each.kind === kind) as unknown as Record<string, any>;
  expect(of("ClusterRoleBinding")["roleRef"].name).toBe("system:auth-delegator");
  expect(of("ClusterRoleBinding")["metadata"].name).toBe("pulumi-prod-auth-delegator");
  expect(of("RoleBinding")).toMatchObject({
    roleRef: { kind: "ClusterRole", name: "admin" },
    subjects: [{ kind: "ServiceAccount", name: "prod", namespace: "pulumi" }],
  });
  expect(of("Stack")["spec"]).toMatchObject({
    stack: "prod",
    projectRepo: source.repository,
    branch: "main",
    repoDir: "stacks",
    envRefs: {
      PULUMI_CONFIG_PASSPHRASE: { type: "Secret", secret: { name: "state", key: "passphrase" } },
      TOKEN: { type: "Secret", secret: { name: "tokens", key: "pulumi" } },
    },
    prerequisites: [{ name: "infrastructure" }],
    destroyOnFinalize: false,
    preview: false,
    serviceAccountName: "prod",
  });
});

test("a commit is a commit and anything else a branch; a stack looks for drift no more than once a minute", async () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const make = (name: string, change: Partial<OperatorStackArgs>) =>
    collector.objects(
      () => new OperatorStack(name, { deployment: dev, namespace: "pulumi", stack: "dev", source, ...change }),
    );
  const pinned = (await make("pinned", { source: { ...source, revision: commit } })).find(
    ({ kind }) => kind === "Stack",
  );
  expect(pinned?.["spec"]).toMatchObject({ commit });
  expect(pinned?.["spec"]).not.toHaveProperty("branch");
  await expect(make("often", { resyncSeconds: 59 })).rejects.toThrow(
    /^resyncSeconds: got 59; expected a whole number from 60 on/,
  );
});
