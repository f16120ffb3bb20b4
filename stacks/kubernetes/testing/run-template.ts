/** The template kubernetes under the SDK's mocks, on the infrastructure of a cloud in production. Nothing is made. */
import { runtime } from "@pulumi/pulumi";
import type { ClusterServices, InfrastructureState } from "../../infrastructure/outputs.ts";

/** A resource that was asked for. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: any;
}

/** An image by its digest. */
export const image = `registry/image@sha256:${"0".repeat(64)}`;

const roles = ["domain-manager", "sequencer", "mediator", "participant"];

/** What has to be said besides domain and participants. */
export const base = {
  infrastructure: "organization/pulumi-canton/aws-production",
  images: { nodes: Object.fromEntries(roles.map((role) => [role, image])), databaseSetup: image },
  ledgerApi: { auth: [{ type: "jwks", url: "https://idp.example.com/jwks" }] },
};

/** What a stack of cluster-services has beside that. */
export const services: ClusterServices = {
  namespaces: ["canton-prod"],
  ingress: { namespace: "canton-prod-ingress", ingressClass: "canton-prod" },
  monitoring: "canton-prod-monitoring",
};

const server = (host: string, logins: readonly string[]) => ({
  host,
  port: 5432,
  administrator: { user: "administrator", password: "p" },
  logins: Object.fromEntries(logins.map((name) => [name, { database: name, user: name, password: "p" }])),
});
const nodes = ["domain-manager", "mediator", "sequencer1", "sequencer2", "alice"];
const infrastructure: InfrastructureState = {
  cloud: "aws",
  region: "eu-central-1",
  deployment: { name: "canton-prod", environment: "production" },
  cluster: { kubeconfig: "apiVersion: v1", zones: ["a", "b", "c"], storageClass: "gp3" },
  namespace: "canton-prod",
  databases: { nodes: server("nodes.rds", nodes), sequencerBackend: server("backend.rds", ["sequencer-backend"]) },
  keyEncryption: { type: "aws-kms", keyId: "arn:aws:kms:key", region: "eu-central-1" },
  storage: {},
  ingress: { annotations: { internal: "true" }, nodePort: 30_443, allowedRanges: [] },
};

/** Runs of the template, one after another. */
export interface Runs {
  /** What the last one asked for. */
  readonly registered: readonly Registered[];
  /**
   * Runs the template, until everything that it makes is registered.
   *
   * @returns the stack's outputs
   */
  run(config: Readonly<Record<string, unknown>>, services?: ClusterServices): Promise<Record<string, unknown>>;
  /** Inputs of a resource of the last one. */
  inputsOf(type: string, name: string): any;
}

/** Starts to write down what is asked for, for a whole test file. */
export async function templateRuns(): Promise<Runs> {
  let registered: Registered[] = [];
  let around: ClusterServices | undefined;
  await runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs });
        if (type === "pulumi:pulumi:StackReference") {
          const outputs = { infrastructure: { ...infrastructure, ...(around && { services: around }) } };
          return { id: name, state: { ...inputs, outputs, secretOutputNames: ["infrastructure"] } };
        }
        const { __provider: _, ...shown } = inputs;
        const made = { certPem: "c", privateKeyPem: "k", privateKeyPemPkcs8: "k", certRequestPem: "r", result: "p" };
        return { id: `${name}-id`, state: { ...shown, ...made, uniqueIdentifier: `${name}::1220aa` } };
      },
    },
    "pulumi-canton",
    "kubernetes",
    false,
  );
  return {
    get registered() {
      return registered;
    },
    async run(config, given) {
      registered = [];
      around = given;
      runtime.setAllConfig(
        Object.fromEntries(
          Object.entries(config).map(([key, value]) => [`pulumi-canton:${key}`, JSON.stringify(value)]),
        ),
      );
      const { default: kubernetes } = await import("../../kubernetes.ts");
      const outputs = await kubernetes();
      await runtime.disconnect();
      return outputs;
    },
    inputsOf: (type, name) => registered.find((each) => each.type.endsWith(type) && each.name === name)?.inputs,
  };
}
