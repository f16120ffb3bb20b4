/** The Kubernetes objects that a program makes, as they would be sent to an API server. */
import { createHash } from "node:crypto";
import { type Resource, runtime } from "@pulumi/pulumi";
import type { MockResourceArgs, MockResourceResult } from "@pulumi/pulumi/runtime/mocks.js";
import type { KubernetesObject } from "./object-paths.ts";

/** A resource that a program registered. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Writes down what programs register. One at a time: the runtime of Pulumi is there once in a process. */
export class Collector {
  #registered: Registered[] = [];

  private constructor() {}

  /**
   * Takes the place of the engine, for good.
   *
   * @param outputs of other resources than Kubernetes objects, where a program needs more than its inputs
   */
  static async start(
    outputs: (resource: MockResourceArgs) => Record<string, unknown> = () => ({}),
  ): Promise<Collector> {
    const collector = new Collector();
    await runtime.setMocks(
      {
        call: ({ token }) => {
          throw new Error(`the program calls ${token}, which has no answer here`);
        },
        newResource: (resource): MockResourceResult => {
          const { __provider: _, ...inputs } = resource.inputs;
          collector.#registered.push({ type: resource.type, name: resource.name, inputs });
          const made = resource.type.startsWith("kubernetes:")
            ? { metadata: asStored(resource.name, inputs).metadata }
            : {};
          return {
            id: `${resource.name}-id`,
            state: { ...inputs, ...made, ...plausible(resource), ...outputs(resource) },
          };
        },
      },
      "pulumi-canton",
      "test",
      false,
    );
    return collector;
  }

  /** What a program registers, in the order of registration. @throws what the program throws */
  async registered(program: () => unknown): Promise<readonly Registered[]> {
    this.#registered = [];
    await program();
    // Waits for what is still being registered.
    await runtime.disconnect();
    return this.#registered;
  }

  /** The Kubernetes objects among what a program registers. */
  async objects(program: () => unknown): Promise<KubernetesObject[]> {
    return objectsIn(await this.registered(program));
  }
}

/** The resources whose parent a resource is, each as `type name`, in alphabetical order. */
export async function childrenOf(parent: Resource): Promise<string[]> {
  const { __childResources: children } = parent as unknown as { readonly __childResources: ReadonlySet<Resource> };
  const urns = await Promise.all([...children].map(({ urn }) => new Promise<string>((resolve) => urn.apply(resolve))));
  return urns
    .map((urn) =>
      urn
        .split("::")
        .slice(2)
        .join(" ")
        .replace(/^\S*\$/, ""),
    )
    .toSorted();
}

/** By what a secret is told from other objects. */
const secretKey = "4dabf18193072939515e22adb298388d";

/** A value with the secrets in it in the clear. */
export function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  if (secretKey in value) return revealed((value as { readonly value?: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revealed(each)]));
}

/** Whether a value is a secret as a whole. */
export function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && secretKey in value;
}

/** @throws Error for a Kubernetes resource that stands for other objects, which only the provider could tell */
export function objectsIn(registered: readonly Registered[]): KubernetesObject[] {
  return registered
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .map(({ type, name, inputs }) => {
      if (/^kubernetes:(?:yaml|helm|kustomize)/.test(type) || type.endsWith("Patch")) {
        throw new Error(`${name} is a ${type}; its objects are not known here`);
      }
      return asStored(name, inputs);
    });
}

/** What the provider fills in: a name for an object that has none. */
function asStored(name: string, inputs: Readonly<Record<string, unknown>>): KubernetesObject {
  const metadata = (revealed(inputs["metadata"]) ?? {}) as KubernetesObject["metadata"];
  const suffix = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return {
    ...(revealed(inputs) as object),
    metadata: { ...metadata, name: metadata.name ?? `${name}-${suffix}` },
  } as KubernetesObject;
}

/** Outputs that look like a provider's. */
function plausible({ type, name, inputs }: MockResourceArgs): Record<string, unknown> {
  switch (type) {
    case "random:index/randomPassword:RandomPassword":
      return { result: `password-of-${name}`.padEnd(Number(inputs["length"] ?? 32), "x") };
    case "tls:index/privateKey:PrivateKey":
      return { privateKeyPem: pem("PRIVATE KEY", name), privateKeyPemPkcs8: pem("PRIVATE KEY", name) };
    case "tls:index/selfSignedCert:SelfSignedCert":
    case "tls:index/locallySignedCert:LocallySignedCert":
      return { certPem: pem("CERTIFICATE", name) };
    case "tls:index/certRequest:CertRequest":
      return { certRequestPem: pem("CERTIFICATE REQUEST", name) };
    default:
      return {};
  }
}

function pem(label: string, content: string): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(content).toString("base64")}\n-----END ${label}-----\n`;
}
