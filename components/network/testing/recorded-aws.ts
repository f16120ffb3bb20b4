/** AWS as the engine's mocks stand for it: writes down what is asked for, and answers with what real resources give out. */
import { type Output, runtime } from "@pulumi/pulumi";
import * as settings from "@pulumi/pulumi/runtime/settings.js";

/** Waits until nothing is under way; the SDK has it, its types do not. */
const { waitForRPCs } = settings as unknown as { waitForRPCs(): Promise<void> };

/** A resource that a program asked for. */
export interface Recorded {
  /** Example: `"aws:ec2/vpc:Vpc"`. */
  readonly type: string;
  readonly name: string;
  /** Secrets are shown as they are; `secrets` tells which they were. */
  readonly inputs: Readonly<Record<string, any>>;
  readonly secrets: readonly string[];
  /** Type of its parent; empty where it has none but the stack. */
  readonly parent: string;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** Whether it is made by a provider of the program. */
  readonly ownProvider: boolean;
}

type Values = Record<string, any>;

/** What a resource gives out besides its inputs, by type. */
const given: Readonly<Record<string, (name: string, inputs: Values) => Values>> = {
  "aws:ec2/vpc:Vpc": () => ({ defaultRouteTableId: "rtb-default" }),
  "aws:ec2/launchTemplate:LaunchTemplate": () => ({ latestVersion: 1 }),
  "aws:eks/cluster:Cluster": (name, { vpcConfig }) => ({
    endpoint: `https://${name}.eks`,
    certificateAuthority: { data: "Q0E=" },
    vpcConfig: { ...vpcConfig, clusterSecurityGroupId: `${name}-machines-group` },
    identities: [{ oidcs: [{ issuer: `https://oidc.eks/${name}` }] }],
  }),
  "aws:eks/nodeGroup:NodeGroup": (name) => ({ resources: [{ autoscalingGroups: [{ name: `group-of-${name}` }] }] }),
  "aws:lb/loadBalancer:LoadBalancer": (name) => ({ dnsName: `${name}.elb` }),
  "aws:rds/instance:Instance": (name) => ({ address: `${name}.rds`, port: 5432 }),
  "random:index/randomPassword:RandomPassword": (name) => ({ result: `password-of-${name}` }),
};

/**
 * Starts to record; gives back what grows with what is asked for.
 *
 * @param stacks outputs of other stacks, by their names
 */
export async function recordAws(stacks: Readonly<Record<string, Values>> = {}): Promise<Recorded[]> {
  // What a test before left under way ends in its own recording.
  await waitForRPCs();
  const recorded: Recorded[] = [];
  await runtime.setMocks(
    {
      call: ({ token }) => {
        throw new Error(`nobody answers ${token}`);
      },
      newResource: ({ type, name, inputs }) => ({
        id: `${name}-id`,
        state:
          type === "pulumi:pulumi:StackReference"
            ? { ...inputs, outputs: stacks[name] ?? {} }
            : { name, arn: `arn:${type}:${name}`, keyId: `key-${name}`, ...inputs, ...given[type]?.(name, inputs) },
      }),
    },
    "project",
    "stack",
    false,
  );
  // What mocks are told lacks parents and protection.
  const monitor = settings.getMonitor() as any;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request: any, callback: unknown) => {
    const inputs = request.getObject().toJavaScript();
    recorded.push({
      type: request.getType(),
      name: request.getName(),
      inputs: plain(inputs) as Values,
      secrets: Object.keys(inputs).filter((key) => isSecret(inputs[key])),
      parent: request.getParent().split("::")[2]?.split("$").at(-1) ?? "",
      protect: request.getProtect(),
      retainOnDelete: request.getRetainondelete(),
      ownProvider: request.getProvider() !== "" || request.getProvidersMap().getLength() > 0,
    });
    return register(request, callback);
  };
  return recorded;
}

/** Inputs of what was asked for of a type, by name and in its order. Example: `of(recorded, "ec2/vpc")`. */
export function of(recorded: readonly Recorded[], type: string): Record<string, Values> {
  const found = recorded.filter((resource) => resource.type.startsWith(`aws:${type}:`));
  const byName = found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(byName.map(({ name, inputs }) => [name, inputs]));
}

/** The value of an output, once everything that was asked for is there; fails rather than hangs when it never comes. */
export async function settled<T>(output: Output<T>): Promise<T> {
  await waitForRPCs();
  let timer: NodeJS.Timeout | undefined;
  return Promise.race([
    new Promise<T>((resolve) => output.apply((known) => resolve(known as T))),
    new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the output never came")), 10_000);
    }),
  ]).finally(() => clearTimeout(timer));
}

const secretKey = "4dabf18193072939515e22adb298388d";

function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && secretKey in value;
}

/** Without the wrapping of secrets. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) return plain((value as { value?: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
