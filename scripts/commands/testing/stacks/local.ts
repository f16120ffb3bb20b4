/** The template that the commands' tests run: files that stand for what a network is made of. */
import { Config, dynamic, type Output } from "@pulumi/pulumi";

const provider: dynamic.ResourceProvider = {
  async diff(_id, olds, news) {
    return { changes: olds.text !== news.text };
  },
  async create(inputs) {
    const { writeFile } = await import("node:fs/promises");
    const { setTimeout } = await import("node:timers/promises");
    if (inputs.text === "refused") throw new Error(`${inputs.file} is not on the allow-list`);
    await writeFile(inputs.file, inputs.text);
    await setTimeout(inputs.takesMs);
    return { id: inputs.file, outs: inputs };
  },
  async read(id, props) {
    const { readFile } = await import("node:fs/promises");
    return { id, props: { ...props, text: await readFile(id, "utf8").catch(() => "") } };
  },
  async update(id, _olds, news) {
    const { writeFile } = await import("node:fs/promises");
    await writeFile(id, news.text);
    return { outs: news };
  },
  async delete(id) {
    const { rm } = await import("node:fs/promises");
    await rm(id, { force: true });
  },
};

class TextFile extends dynamic.Resource {
  declare readonly text: Output<string>;

  constructor(name: string, args: { file: string; text: string; takesMs: number }) {
    super(provider, name, args);
  }
}

export default function network() {
  const config = new Config();
  const folder = config.require("folder");
  const takesMs = config.getNumber("takesMs") ?? 0;
  const first = new TextFile("first", { file: `${folder}/first`, text: "one", takesMs });
  new TextFile("second", { file: `${folder}/second`, text: config.get("second") ?? "two", takesMs });
  return {
    domain: { id: "bob::1220", alias: "bob", sequencers: [], policy: "permissioned" },
    nodes: { sequencer1: { role: "sequencer", id: "SEQ::bob::1220", adminApi: "127.0.0.1:1" } },
    parties: { first: first.text },
    console: "./scripts/console",
  };
}
