import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, expect, test, vi } from "vitest";
import { Domain } from "./domain/domain.ts";
import { Participant } from "./participant/participant.ts";
import type { DatabaseSpec, NodeSpec, Platform, PlatformDatabase, PlatformNode } from "./platform/platform.ts";

// Vitest rewrites import(), which Pulumi then cannot store; the last test looks at the real thing in a plain Node.
vi.mock("./dynamic/thin-provider.ts", () => ({ thinProvider: () => ({ create: async () => ({ id: "x" }) }) }));

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const registered: Registered[] = [];

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs });
        const { __provider: _, ...shown } = inputs;
        const made = { partyId: `${shown["party"]}::1220aa`, uniqueIdentifier: `${shown["identifier"]}::1220aa` };
        return { id: `${name}-id`, state: { ...shown, ...made } };
      },
    },
    "project",
    "stack",
    false,
  );
});

/** A platform that writes down what it is asked for. */
class RecordingPlatform implements Platform {
  readonly nodes = new Map<string, NodeSpec>();
  readonly databases = new Map<string, DatabaseSpec>();
  readonly parents = new Set<pulumi.Resource | undefined>();

  database(name: string, spec: DatabaseSpec, options: pulumi.CustomResourceOptions): PlatformDatabase {
    this.databases.set(name, spec);
    this.parents.add(options.parent);
    const connection = { host: "db", port: 5432, database: name, user: name, passwordFile: `/secrets/${name}` };
    return { resource: this.#resource("Database", name, options), connection: pulumi.output(connection) };
  }

  node(name: string, spec: NodeSpec, options: pulumi.CustomResourceOptions): PlatformNode {
    this.nodes.set(name, spec);
    this.parents.add(options.parent);
    const endpoints = Object.fromEntries(
      spec.ports.map((port, index) => [
        port,
        { address: name, port: 5000 + index, url: `http://${name}:${5000 + index}` },
      ]),
    );
    return {
      resource: this.#resource("Node", name, options),
      endpoints: pulumi.output(endpoints),
      uniqueIdentifier: pulumi.output(`${name}::1220aa`),
    };
  }

  #resource(kind: string, name: string, options: pulumi.CustomResourceOptions): pulumi.Resource {
    return new pulumi.ComponentResource(`test:platform:${kind}`, name, {}, options);
  }
}

/** The value of an output; fails rather than hangs when it never comes. */
function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return Promise.race([
    new Promise<T>((resolve) => output.apply((value) => resolve(value as T))),
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error("the output never came")), 5_000)),
  ]);
}

test("a domain asks for its nodes and databases, and knows nothing else of the platform", async () => {
  const platform = new RecordingPlatform();
  const domain = new Domain("mydomain", { platform, alias: "mydomain" });
  expect([...platform.nodes.keys()]).toEqual(["sequencer1", "sequencer2", "mediator", "domain-manager"]);
  expect([...platform.databases.keys()].sort()).toEqual([
    "domain-manager",
    "mediator",
    "sequencer-backend",
    "sequencer1",
    "sequencer2",
  ]);
  expect([...platform.parents]).toEqual([domain]);
  expect(Object.keys(platform.nodes.get("sequencer1")?.databases ?? {}).sort()).toEqual(["backend", "storage"]);
  expect(await valueOf(pulumi.output(platform.nodes.get("domain-manager")?.config ?? {}))).toEqual({
    init: { identity: { nodeIdentifier: { type: "explicit", name: "mydomain" } } },
    domain: {
      onboarding: { policy: "permissioned" },
      sequencers: ["sequencer1", "sequencer2"].map((name) => ({
        name,
        adminApi: { address: name, port: 5000 },
        publicApi: `http://${name}:5001`,
      })),
      mediators: [{ name: "mediator", adminApi: { address: "mediator", port: 5000 } }],
    },
  });
  expect(await valueOf(domain.sequencers)).toEqual([
    { alias: "sequencer1", url: "http://sequencer1:5001" },
    { alias: "sequencer2", url: "http://sequencer2:5001" },
  ]);
  expect(await valueOf(pulumi.all(domain.nodes))).toMatchObject({
    sequencer2: {
      role: "sequencer",
      id: "SEQ::domain-manager::1220aa",
      publicApi: "http://sequencer2:5001",
      health: "http://sequencer2:5002",
      metrics: "http://sequencer2:5002/metrics",
    },
  });
});

test.each([
  ["manual", "node"],
  ["detached", "elsewhere"],
] as const)(
  "a domain with initialisation %s: its manager waits, and all that is known of the domain comes with its identity",
  async (initialisation, rootKey) => {
    const platform = new RecordingPlatform();
    const domain = new Domain(initialisation, { platform, alias: initialisation, prefix: "eu-", initialisation });
    const manager = platform.nodes.get("eu-domain-manager");
    expect(await valueOf(pulumi.output(manager?.config ?? {}))).toMatchObject({ init: { auto: false } });
    expect(manager?.waitFor).toBe("live");
    expect(await valueOf(domain.domainId)).toBe(`${initialisation}::1220aa`);
    const identity = registered.find(
      ({ type, inputs }) => type.endsWith(":NodeIdentity") && inputs["rootKey"] === rootKey,
    );
    expect(identity).toMatchObject({
      name: "eu-domain-manager-identity",
      inputs: {
        node: { url: "http://eu-domain-manager:5000" },
        nodeName: "eu-domain-manager",
        role: "domain-manager",
        identifier: initialisation,
        sequencers: "configured",
      },
    });
  },
);

test("several domains share a platform under a prefix, with any number of sequencers from 1 to 9", () => {
  const platform = new RecordingPlatform();
  new Domain("eu", { platform, alias: "eu", prefix: "eu-", sequencers: 3 });
  expect([...platform.nodes.keys()]).toEqual([
    "eu-sequencer1",
    "eu-sequencer2",
    "eu-sequencer3",
    "eu-mediator",
    "eu-domain-manager",
  ]);
  expect(() => new Domain("none", { platform, alias: "none", sequencers: 0 })).toThrow(
    /sequencers: got 0; a domain has 1 to 9/,
  );
});

test("a participant is admitted, connected and hosts a party, each a resource of its own below its component", async () => {
  const platform = new RecordingPlatform();
  const domain = new Domain("mydomain", { platform, alias: "mydomain" });
  const alice = new Participant("alice", { platform });
  const listing = domain.admit("alice", { participant: alice.participantId });
  const connection = alice.connect(domain, { admission: "add a line" }, { dependsOn: [listing] });
  const party = alice.party("Alice", domain, { dependsOn: [connection] });
  expect(await valueOf(party.partyId)).toBe("Alice::1220aa");
  const urns = await valueOf(pulumi.all([listing.urn, connection.urn, party.urn]));
  expect(urns.map((urn) => urn.split("::")[2])).toEqual([
    "pulumi-canton:domain:Domain$pulumi-nodejs:dynamic/topology:AllowListing",
    "pulumi-canton:participant:Participant$pulumi-nodejs:dynamic/topology:DomainConnection",
    "pulumi-canton:participant:Participant$pulumi-nodejs:dynamic/topology:Party",
  ]);
  const inputsOf = (type: string) => registered.find((resource) => resource.type.endsWith(type))?.inputs;
  expect(inputsOf(":AllowListing")).toMatchObject({
    domainManager: { url: "http://domain-manager:5000" },
    domainId: "domain-manager::1220aa",
    participant: "PAR::alice::1220aa",
    permission: "Submission",
    trustLevel: "Ordinary",
  });
  expect(inputsOf(":DomainConnection")).toMatchObject({
    participant: { url: "http://alice:5000" },
    participantId: "PAR::alice::1220aa",
    domainAlias: "mydomain",
    domainId: "domain-manager::1220aa",
    admission: "add a line",
  });
  expect(inputsOf(":Party")).toMatchObject({ party: "Alice", domainId: "domain-manager::1220aa" });
});

test("what the state keeps of a provider is a few lines that import a module", () => {
  const program = `
    import * as pulumi from "@pulumi/pulumi";
    import { AllowListing } from "@pulumi-canton/components/topology/allow-listing/allow-listing.ts";
    await pulumi.runtime.setMocks({
      call: () => ({}),
      newResource: ({ inputs }) => {
        process.stdout.write(inputs.__provider);
        return { id: "x", state: {} };
      },
    }, "project", "stack", false);
    new AllowListing("x", { domainManager: {}, domainId: "d::1", participant: "p::1" });
  `;
  const stored = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  expect(stored).toMatch(/providerModule: ["'`]@pulumi-canton\/components\/topology\/allow-listing\/provider\.ts/);
  expect(stored.match(/await import\(providerModule\)/g)).toHaveLength(6);
  expect(stored.length).toBeLessThan(8_000);
}, 30_000);
