/**
 * The program of every stack: runs the template in this folder that bears the stack's name, or the one that the
 * stack's configuration names (`pulumi config set template azure`). A template is a module that exports its outputs,
 * or, as its default export, a function that returns them.
 */
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { Config, getStack, RunError } from "@pulumi/pulumi";

const templates = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== basename(import.meta.filename))
  .map((file) => basename(file, ".ts"));

/** Templates of which a stack may be of any size: its resources are all on this machine, and nothing in a cloud is asked. */
const onThisMachine = ["local", "application-user"];

// The SDK takes a stack trace for every promise, and its hook looks each line up in source maps, a third of a program's time.
// There is nothing to look up: Node strips types in place, lines and columns are those of the source.
Reflect.deleteProperty(Error, "prepareStackTrace");

// A resource that failed has told why; the SDK then tells once more that it failed, with a stack trace of its own code,
// or, where another resource takes something from it, as an unhandled exception. Told as a RunError it is one line.
process.prependListener("unhandledRejection", (reason) => {
  if (!(reason instanceof Error)) return;
  const [failed] = /resource \S+ \[[^\]]+\] failed to register/.exec(reason.message) ?? [];
  if (failed === undefined) return;
  const message = `${failed}, see its error above; what depends on it was left out`;
  Object.assign(reason, { message, stack: message, __pulumiRunError: true });
});

/** Runs the stack's template and gives back its outputs. */
export default async function program(): Promise<unknown> {
  const configured = new Config().get("template");
  const template = configured ?? getStack();
  if (!templates.includes(template)) {
    const asked =
      configured === undefined
        ? `stack '${template}' has no template of its name`
        : `there is no template '${template}', which its configuration names`;
    throw new RunError(
      `${asked}. Templates are: ${templates.join(", ")}. Name one with: ./scripts/pulumi config set template NAME`,
    );
  }
  if (!onThisMachine.includes(template)) (await import("./config/stack-size.ts")).limitResources();
  const module: Record<string, unknown> = await import(`./${template}.ts`);
  return typeof module.default === "function" ? module.default() : { ...module };
}
