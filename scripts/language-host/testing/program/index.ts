/** A program for the language host's tests: one dynamic resource that keeps its text in a file. */
import { Config, dynamic, log, type Output } from "@pulumi/pulumi";

const provider: dynamic.ResourceProvider = {
  // Without this the engine compares what was asked for with what was asked for before, and sees no drift.
  async diff(_id, olds, news) {
    const moved = olds.file !== news.file;
    return { changes: moved || olds.text !== news.text, replaces: moved ? ["file"] : [] };
  },
  async create(inputs) {
    const { writeFile } = await import("node:fs/promises");
    const { setTimeout } = await import("node:timers/promises");
    await writeFile(inputs.file, inputs.text);
    await setTimeout(inputs.takesMs);
    return { id: inputs.file, outs: inputs };
  },
  async read(id, props) {
    const { readFile } = await import("node:fs/promises");
    return { id, props: { ...props, text: await readFile(id, "utf8") } };
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

const config = new Config();
log.info("the program runs");
if (config.getBoolean("fail")) throw new Error("asked to fail");
const textFile = new TextFile("text", {
  file: config.require("file"),
  text: config.get("text") ?? "hello",
  takesMs: config.getNumber("takesMs") ?? 0,
});

export const text = textFile.text;
export const node = process.version;
