/** A network like that of the recordings, in which recorded calls are made again. */
import { once } from "node:events";
import { createServer } from "node:net";
import { ParticipantProcess } from "@pulumi-canton/participant/testing/participant-process.ts";
import { createTestDatabase, type TestDatabase } from "@pulumi-canton/runtime/testing/database.ts";
import { Deployment } from "../deployment.ts";
import { type Answer, PublishedClient } from "../published-clients-caller.ts";
import { comparable, type Json } from "./comparable.ts";
import type { Facts, RecordedCall, Refusal } from "./facts.ts";
import { madeKey } from "./recordings.ts";

const vault = "/com.digitalasset.canton.crypto.admin.v0.VaultService";
const publicKey = "com.digitalasset.canton.crypto.v0.PublicKey";
const initialization = "/com.digitalasset.canton.topology.admin.v0.InitializationService";

/** What an answer is, in the form of the facts. */
export interface Comparable {
  readonly answer?: Json;
  readonly refusal?: Refusal;
}

/** The local stack's domain with three participants that are not on it, and one that is to be initialised by hand. */
export class World {
  readonly #client: PublishedClient;
  readonly #deployment: Deployment;
  readonly #urls = new Map<string, string>();
  readonly #participants: ParticipantProcess[] = [];
  readonly #databases: TestDatabase[] = [];
  /** Names for fingerprints as in the facts, and the fingerprints here. */
  readonly #fingerprints = new Map<string, string>();
  readonly #names = new Map<string, string>();
  /** Addresses in the recordings, and here. */
  readonly #addresses = new Map<string, string>();
  /** Bytes of keys that were answered last, by field. */
  readonly #bytes = new Map<string, Buffer>();

  private constructor(client: PublishedClient, deployment: Deployment) {
    this.#client = client;
    this.#deployment = deployment;
  }

  /**
   * Starts everything.
   *
   * @param descriptors the published ones
   */
  static async start(descriptors: Buffer): Promise<World> {
    const deployment = await Deployment.create({ participants: [{ name: "bob", parties: [] }], allowList: ["bob"] });
    const world = new World(new PublishedClient(descriptors), deployment);
    try {
      const { code, text } = await deployment.run("up");
      if (code !== 0) throw new Error(text);
      const { nodes } = await deployment.status();
      world.#urls.set("mydomain admin", nodes["domain-manager"]?.adminApi ?? "");
      world.#addresses.set("http://127.0.0.1:25001", nodes["sequencer1"]?.publicApi ?? "");
      const nowhere = createServer().listen(0, "127.0.0.1");
      await once(nowhere, "listening");
      const address = nowhere.address();
      const port = typeof address === "object" ? address?.port : undefined;
      nowhere.close();
      for (const unreachable of [25997, 25998]) {
        world.#addresses.set(`http://127.0.0.1:${unreachable}`, `http://127.0.0.1:${port}`);
      }
      for (const name of ["participant1", "participant2", "participant3"]) await world.#participant(name);
      await world.#participant("manualparticipant", false);
      for (const name of ["mydomain", "participant1", "participant2", "participant3"]) await world.#learn(name);
      return world;
    } catch (error) {
      await world.dispose();
      throw error;
    }
  }

  /** Makes a call of the facts; what comes back has their names in the place of fingerprints. */
  async call({ to, method, request = {}, answer: recorded }: RecordedCall): Promise<Comparable> {
    const url = this.#urls.get(to);
    if (url === undefined) throw new Error(`there is no ${to}`);
    const answer = await this.#client.call(url, method, this.#here(request) as object);
    this.#keep(answer, recorded);
    if (answer.code !== "OK") return { refusal: refusalOf(answer) };
    return { answer: this.#asRecorded(comparable(answer.response, this.#names)) };
  }

  /** Ends everything. */
  async dispose(): Promise<void> {
    for (const participant of this.#participants) await participant[Symbol.asyncDispose]();
    for (const database of this.#databases) await database.drop();
    await this.#deployment.dispose();
  }

  async #participant(name: string, auto = true): Promise<void> {
    const database = await createTestDatabase();
    this.#databases.push(database);
    const participant = await ParticipantProcess.create(name, database.storage, { init: { auto } });
    this.#participants.push(participant);
    await participant.start(auto ? "ready" : "startup");
    for (const api of ["admin", "ledger"] as const) this.#urls.set(`${name} ${api}`, participant.url(api));
  }

  /** The namespace of a node, and the keys that participant 1 made for itself, which have names. */
  async #learn(name: string): Promise<void> {
    const url = this.#urls.get(`${name} admin`) ?? "";
    const { response } = await this.#client.call(url, `${initialization}/GetId`);
    this.#same(name, String(response["unique_identifier"]).split("::")[1] ?? "");
    if (name !== "participant1") return;
    const keys = await this.#client.call(url, `${vault}/ListMyKeys`);
    for (const { public_key_with_name: key } of keys.response["private_keys_metadata"] as any[]) {
      const { id } = key.public_key.signing_public_key ?? key.public_key.encryption_public_key;
      if (!this.#names.has(id)) this.#same(key.name, id);
    }
  }

  #same(name: string, fingerprint: string): void {
    this.#fingerprints.set(name, fingerprint);
    this.#names.set(fingerprint, name);
  }

  /** A recorded request as it has to be here. */
  #here(request: Json): unknown {
    if (Array.isArray(request)) return request.map((each) => this.#here(each));
    if (typeof request === "object" && request !== null) {
      return Object.fromEntries(
        Object.entries(request).map(([key, each]) => {
          const bytes = key === "public_key" || key === "key_pair" ? this.#bytes.get(key) : undefined;
          if (key === "annotations") return [key, Object.entries(each ?? {}).map(([key, value]) => ({ key, value }))];
          const isWhole = typeof each !== "string" || each.length > 20;
          return [key, bytes !== undefined && isWhole ? bytes : this.#here(each)];
        }),
      );
    }
    if (typeof request !== "string") return request;
    const text = request.replaceAll(/<([^>]+)>/g, (_, name: string) => {
      const fingerprint = this.#fingerprints.get(name);
      if (fingerprint === undefined) throw new Error(`nothing here is called ${name}`);
      return fingerprint;
    });
    return this.#addresses.get(text) ?? text;
  }

  /** With the recorded addresses and names, and without the participant of the domain's owner: theirs had none. */
  #asRecorded(value: Json): Json {
    if (Array.isArray(value)) {
      return value
        .filter((each) => !JSON.stringify(each).includes("bob::<fingerprint>"))
        .map((each) => this.#asRecorded(each));
    }
    if (typeof value === "object" && value !== null) {
      const fields = Object.entries(value).map(([key, each]): [string, Json] => [key, this.#asRecorded(each)]);
      return Object.fromEntries(fields.filter(([, each]) => !Array.isArray(each) || each.length > 0));
    }
    if (value === "domain-manager") return "mydomain";
    for (const [recorded, here] of this.#addresses) if (value === here) return recorded;
    return value;
  }

  /** Remembers what later requests say: keys that were made, or exported. */
  #keep({ response }: Answer, recorded: Json | undefined): void {
    const [theirs, mine] = [madeKey(recorded), madeKey(response)];
    const name = /^<(.+)>$/.exec(theirs ?? "")?.[1];
    if (name !== undefined && mine !== undefined) this.#same(name, mine);
    if (Buffer.isBuffer(response["key_pair"])) this.#bytes.set("key_pair", response["key_pair"]);
    const listed = (response["public_keys"] ?? []) as { name?: string; public_key: object }[];
    const [one] = listed.filter((key) => key.name === "k1");
    if (one !== undefined) this.#bytes.set("public_key", this.#client.encode(publicKey, one.public_key));
  }
}

function refusalOf({ code, reason, category, metadata }: Answer): Refusal {
  if (reason === "") return { code };
  return { code, reason: `${reason}(${category})`, metadata: Object.keys(metadata).sort() };
}
