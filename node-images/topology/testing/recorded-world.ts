/** For tests: nodes like those of the recordings, in which the recorded calls are made again. */
import { encodePublicKey } from "@pulumi-canton/protocol/crypto/public-key.ts";
import type { TopologyMapping } from "@pulumi-canton/protocol/topology/mapping.ts";
import { type RunningServer, startGrpcServer } from "@pulumi-canton/runtime/grpc-server.ts";
import { expect } from "vitest";
import type { TopologyProcessor } from "../topology-processor.ts";
import {
  type Answer,
  comparable,
  comparableText,
  isOurs,
  type Json,
  type ObservedCall,
  ObservedClient,
  readObserved,
  recordedAnswer,
  recordedNamespace,
  shapeOf,
} from "./observed.ts";
import { eventOf, openTestProcessor, startTestDomain, type TestDomain } from "./test-domain.ts";
import { quiet, startTestNode, startTestParticipant, type TestNode } from "./test-node.ts";

interface Served {
  node: TestNode;
  client: ObservedClient;
  server: RunningServer;
}

const participants = ["participant1", "participant2", "participant3"] as const;

/** A domain, three participants and two nodes that are not initialised, served on loopback. */
export class RecordedWorld implements AsyncDisposable {
  readonly #nodes = new Map<string, Served>();
  /** Fingerprints as recorded, and ours in their place. */
  readonly #ours = new Map<string, string>();
  readonly #processors: TopologyProcessor[] = [];
  readonly #taken = new Map<string, bigint>();
  #dispatched = 0n;
  readonly domain: TestDomain;

  private constructor(domain: TestDomain) {
    this.domain = domain;
  }

  /** @param files the recordings to be replayed: from them the recorded namespaces are known */
  static async start(files: readonly string[]): Promise<RecordedWorld> {
    const world = new RecordedWorld(await startTestDomain("mydomain"));
    await world.#serve(world.domain.node);
    for (const name of participants) await world.#serve(await startTestParticipant(name));
    await world.#serve(await startTestNode("manualparticipant"));
    await world.#serve(await startTestNode("manualdomain", "domain"));
    for (const name of ["mydomain", ...participants]) {
      const recorded = recordedNamespace(files, name);
      const uid = await world.node(name).identity.get();
      if (recorded !== undefined) world.#same(recorded, uid?.split("::")[1] ?? "");
    }
    await world.#learnNamedKeys(files);
    for (const name of ["mydomain", "participant1", "participant2"]) {
      world.#processors.push(await openTestProcessor(world.node(name), world.domain.domainId));
    }
    return world;
  }

  node(name: string): TestNode {
    const served = this.#nodes.get(name);
    if (served === undefined) throw new Error(`there is no node ${name}`);
    return served.node;
  }

  /** What a recorded fingerprint is here. */
  ours(recorded: string): string {
    return this.#translate(recorded, "to ours");
  }

  /** A mapping in which recorded fingerprints are replaced by ours, authorised by a node. */
  async authorize(name: string, mapping: TopologyMapping, operation: "Add" | "Remove" = "Add"): Promise<void> {
    await this.node(name).manager.authorize(mapping, operation, { force: true });
    await this.synchronise();
  }

  /** A participant that connects says that it wants to be on the domain. */
  async join(name: string): Promise<void> {
    await this.authorize(name, {
      kind: "ParticipantState",
      side: "To",
      domain: this.domain.domainId,
      participant: `PAR::${await this.node(name).identity.get()}`,
      permission: "Submission",
      trustLevel: "Ordinary",
    });
    this.#taken.set(name, this.#taken.get(name) ?? 0n);
    await this.synchronise();
  }

  /** Lets the domain take in what the participants on it authorised, and everybody apply what the domain authorised. */
  async synchronise(): Promise<void> {
    for (const [name, position] of this.#taken) {
      const { store } = this.node(name).manager;
      const log = await store.log(position);
      await this.domain.node.manager.addAll(
        log.map(({ signed }) => signed),
        { force: true },
      );
      this.#taken.set(name, store.position);
    }
    const transactions = await this.domain.authorized(this.#dispatched);
    if (transactions.length === 0) return;
    this.#dispatched = this.domain.node.manager.store.position;
    for (const processor of this.#processors) {
      const message = await this.domain.message(transactions);
      await processor.process(eventOf(Number(processor.nextCounter), message));
    }
  }

  /**
   * Makes the calls of a recording that are to our services, and compares each answer with the recorded one.
   *
   * @param options.shapesOnly compare which fields a response has, not what is in them
   */
  async replay(file: string, options: { shapesOnly: boolean }): Promise<void> {
    const calls = readObserved(file).filter((call) => isOurs(call) && call.api === "admin");
    for (const [index, call] of calls.entries()) {
      const recorded = recordedAnswer(call);
      // Canton was asked again and again until what was authorised came back from the domain.
      if (!isAskedAgain(call, calls[index + 1])) await this.synchronise();
      const answer = await this.#call(call);
      const where = `${file}[${index}] ${call.method.split("/").at(-1)}`;
      expect(`${where}: ${answer.code} ${answer.reason}`).toBe(`${where}: ${recorded.code} ${recorded.reason}`);
      if (recorded.code === "OK") compareResponses(where, answer.response, recorded.response, options);
      else compareErrors(where, answer, recorded);
    }
  }

  async #call(call: ObservedCall): Promise<Answer> {
    const { client } = this.#nodes.get(call.node) ?? { client: undefined };
    if (client === undefined) throw new Error(`there is no node ${call.node}`);
    const answer = await client.call(call.method, await this.#request(call));
    const [theirs, mine] = [madeKey(call.responses[0]), madeKey(answer.response)];
    if (theirs !== undefined && mine !== undefined) this.#same(theirs, mine);
    return {
      ...answer,
      message: this.#translate(answer.message, "to recorded"),
      metadata: this.#translate(answer.metadata, "to recorded"),
      response: this.#translate(answer.response, "to recorded"),
    };
  }

  /** The request with our ids. Keys go as bytes, and recorded ones are not ours: a key of participant 1 goes instead. */
  async #request(call: ObservedCall): Promise<Json> {
    const request = this.#translate(call.request, "to ours");
    if (typeof request !== "object" || request === null || Array.isArray(request)) return request;
    const { keys } = this.node("participant1");
    const known = (await keys.list({ name: "k1" }))[0];
    const bytes = async (key: string, value: Json | undefined): Promise<Json | undefined> => {
      if (value === undefined) return undefined;
      const broken = typeof value === "string" && value.length < 20;
      if (!broken && known !== undefined && key === "public_key") return encodePublicKey(known.publicKey) as never;
      if (!broken && known !== undefined && key === "key_pair")
        return (await keys.exportKeyPair(known.fingerprint)) as never;
      return Buffer.from(String(value), "base64") as never;
    };
    const replaced: { [key: string]: Json } = { ...request };
    for (const key of ["serialized", "key_pair", "public_key"]) {
      const value = await bytes(key, request[key]);
      if (value !== undefined) replaced[key] = value;
    }
    return replaced;
  }

  async #serve(node: TestNode): Promise<void> {
    const server = await startGrpcServer({
      name: "adminApi",
      server: { address: "127.0.0.1", port: 0 },
      services: node.services,
      logger: quiet,
    });
    this.#nodes.set(node.name, { node, server, client: new ObservedClient(server.port) });
  }

  /** The keys that a node makes for itself have names, by which they can be told. */
  async #learnNamedKeys(files: readonly string[]): Promise<void> {
    for (const [file, name] of [
      ["keys.secret.list.json", "participant1"],
      ["rd.keys.secret.list.json", "mydomain"],
    ] as const) {
      if (!files.includes(file)) return;
      const recorded = namedKeys(readObserved(file)[0]?.responses[0] ?? {});
      for (const { fingerprint, name: keyName } of await this.node(name).keys.list()) {
        const theirs = recorded.get(keyName);
        if (theirs !== undefined) this.#same(theirs, fingerprint);
      }
    }
    // Those of participant 2 were never listed by name, but by owner.
    const { results } = readObserved("keys.public.list_owners.json")[0]?.responses[0] as unknown as {
      results: { key_owner: string; signing_keys: { id: string }[]; encryption_keys: { id: string }[] }[];
    };
    const owner = results.find(({ key_owner }) => key_owner.startsWith("PAR::participant2::"));
    const keys = await this.node("participant2").keys.list();
    const ours = (name: string) => keys.find((key) => key.name === name)?.fingerprint ?? "";
    this.#same(owner?.signing_keys[0]?.id ?? "", ours("participant2-signing"));
    this.#same(owner?.encryption_keys[0]?.id ?? "", ours("participant2-encryption"));
  }

  #same(recorded: string, our: string): void {
    this.#ours.set(recorded, our);
    this.#ours.set(`${recorded.slice(0, 12)}...`, `${our.slice(0, 12)}...`);
  }

  #translate<T extends Json | Record<string, string>>(value: T, direction: "to ours" | "to recorded"): T {
    let text = JSON.stringify(value);
    for (const [recorded, our] of this.#ours) {
      text = direction === "to ours" ? text.replaceAll(recorded, our) : text.replaceAll(our, recorded);
    }
    return JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { node, server, client } of this.#nodes.values()) {
      client.close();
      await server.close(0);
      await node[Symbol.asyncDispose]();
    }
  }
}

/** Whether the same call follows. */
function isAskedAgain(call: ObservedCall, next: ObservedCall | undefined): boolean {
  return (
    call.node === next?.node &&
    call.method === next.method &&
    JSON.stringify(call.request) === JSON.stringify(next.request)
  );
}

function compareResponses(where: string, answer: Json, recorded: Json, { shapesOnly }: { shapesOnly: boolean }): void {
  if (shapesOnly) expect(shapeOf(comparable(answer)), where).toEqual(shapeOf(comparable(recorded)));
  else expect(comparable(answer), where).toEqual(comparable(recorded));
}

function compareErrors(where: string, answer: Answer, recorded: Answer): void {
  if (recorded.message.startsWith("An error occurred")) {
    expect(answer.message, where).toMatch(/^An error occurred\. Please contact the operator/);
    expect(answer.metadata, where).toEqual({});
    return;
  }
  expect(comparableText(answer.message), where).toBe(comparableText(recorded.message));
  expect(Object.keys(answer.metadata).sort(), where).toEqual(Object.keys(recorded.metadata).sort());
  for (const [key, text] of Object.entries(recorded.metadata)) {
    const [mine, theirs] = [comparableText(answer.metadata[key] ?? ""), comparableText(text)];
    // The server cuts what is too long for a header.
    if (mine.endsWith("…")) expect(theirs.startsWith(mine.slice(0, -1)), `${where}: ${mine}`).toBe(true);
    else expect(mine, where).toBe(theirs);
  }
}

/** The fingerprints in a list of keys, by name. */
function namedKeys(value: Json, found = new Map<string, string>(), name = ""): Map<string, string> {
  if (typeof value !== "object" || value === null) return found;
  if (Array.isArray(value)) {
    for (const each of value) namedKeys(each, found, name);
    return found;
  }
  const own = typeof value.name === "string" ? value.name : name;
  if (typeof value.id === "string") found.set(own, value.id);
  for (const each of Object.values(value)) namedKeys(each, found, own);
  return found;
}

/** The fingerprint of the key that a response brings. */
function madeKey(response: Json | undefined): string | undefined {
  if (typeof response !== "object" || response === null || Array.isArray(response)) return undefined;
  const key = response.public_key;
  if (typeof key !== "object" || key === null || Array.isArray(key)) return undefined;
  return typeof key.id === "string" ? key.id : undefined;
}
