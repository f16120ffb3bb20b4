/** The program that the stack is held against: as many dynamic resources, which do nothing. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Engine } from "../../scripts/engine/engine.ts";
import { engineEnvironment } from "../../scripts/environment/engine-environment.ts";
import { homeOf, root } from "../../scripts/environment/paths.ts";
import type { Benchmark } from "../benchmark.ts";
import { timedRun } from "../timed-run.ts";
import type { EngineProgram } from "./engine-program.ts";

const stack = "empty";

/** Everything a provider may be asked, answered with nothing done. */
const source = (resources: number) => `import { dynamic } from "@pulumi/pulumi";

const provider: dynamic.ResourceProvider = {
  check: async (_olds, news) => ({ inputs: news, failures: [] }),
  diff: async () => ({ changes: false }),
  create: async () => ({ id: "nothing", outs: {} }),
  read: async (id, props) => ({ id, props }),
  update: async () => ({ outs: {} }),
  delete: async () => {},
};

class Nothing extends dynamic.Resource {
  constructor(name: string) {
    super(provider, name, {}, undefined, "bench", "Nothing");
  }
}

for (let number = 1; number <= ${resources}; number += 1) new Nothing(\`nothing-\${number}\`);
`;

/** A project with an empty stack, in a folder of its own, until it is disposed of. */
export class EmptyProgram implements AsyncDisposable {
  /** What the engine is timed with. */
  readonly program: EngineProgram;
  readonly #folder: string;

  private constructor(program: EngineProgram, folder: string) {
    this.program = program;
    this.#folder = folder;
  }

  /**
   * Writes the program and creates its stack: same runtime and engine options as this project's, same engine, same kind
   * of backend and of secrets.
   *
   * @param resources how many
   */
  static async create({ signal }: Benchmark, engine: Engine, resources: number): Promise<EmptyProgram> {
    signal.throwIfAborted();
    const folder = await mkdtemp(join(tmpdir(), "pulumi-canton-bench-"));
    try {
      const project = join(folder, "project");
      await mkdir(project);
      const { runtime, options } = parse(await readFile(join(root, "Pulumi.yaml"), "utf8")) as Record<string, unknown>;
      await writeFile(join(project, "Pulumi.yaml"), stringify({ name: "empty", runtime, options, main: "index.ts" }));
      const dependencies = { "@pulumi/pulumi": "*" };
      await writeFile(join(project, "package.json"), JSON.stringify({ name: "empty", type: "module", dependencies }));
      await symlink(join(root, "node_modules"), join(project, "node_modules"));
      await writeFile(join(project, "index.ts"), source(resources));

      const home = homeOf({ CANTON_HOME: join(folder, "home") });
      const environment = { ...engineEnvironment(process.env, home, engine), PULUMI_STACK: stack };
      const args = ["stack", "init", stack, "--non-interactive"];
      await timedRun({ file: engine.file, args, environment, workingDirectory: project, signal });
      return new EmptyProgram({ engine: engine.file, environment, folder: project, signal }, folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes its files; it has no processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
