import { join } from "node:path";
import hclPb from "@pulumi/pulumi/proto/codegen/hcl_pb.js";
import type { GeneratePackageRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { goProgram } from "../engine/go-program.ts";
import { engineVersion } from "../engine/version.ts";
import { start } from "./children.ts";

/** What the generator reports, as it prints it. */
interface Reported {
  readonly severity: 0 | 1 | 2;
  readonly summary: string;
  readonly detail: string;
}

/** Why an SDK cannot be generated on this machine. Its message is for people. */
export class NoGeneratorError extends Error {
  override readonly name = "NoGeneratorError";
}

/**
 * Writes the Node.js SDK of a package into the folder that the request names. The engine's own generator does it, a program
 * in Go that is built the first time.
 *
 * @throws {NoGeneratorError} when it cannot be had here
 */
export async function generatePackage(request: GeneratePackageRequest): Promise<hclPb.Diagnostic[]> {
  const generator = await goProgram(
    {
      name: "pulumi-sdk-generator",
      version: engineVersion,
      folder: join(import.meta.dirname, "sdk-generator"),
      mainPackage: ".",
    },
    process.env,
    (line) => process.stderr.write(`${line}\n`),
  );
  if (typeof generator !== "string") {
    throw new NoGeneratorError(`SDKs cannot be generated here: ${generator.unavailable}; use an official Pulumi`);
  }
  const extraFiles = request.getExtraFilesMap().toObject(false) as [string, Uint8Array | string][];
  const asked = {
    schema: JSON.parse(request.getSchema()),
    directory: request.getDirectory(),
    loaderTarget: request.getLoaderTarget(),
    extraFiles: Object.fromEntries(
      extraFiles.map(([file, text]) => [file, typeof text === "string" ? text : Buffer.from(text).toString("base64")]),
    ),
    localDependencies: Object.fromEntries(request.getLocalDependenciesMap().toObject(false) as [string, string][]),
    local: request.getLocal(),
  };
  const { process: running, ended } = start(generator, [], { stdio: ["pipe", "pipe", "pipe"] });
  let printed = "";
  let errors = "";
  running.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
  running.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
  running.stdin?.end(JSON.stringify(asked));
  const { code } = await ended;
  if (code !== 0) throw new Error(`the SDK could not be generated: ${errors.trim()}`);
  return (JSON.parse(printed) as Reported[]).map(({ severity, summary, detail }) =>
    new hclPb.Diagnostic().setSeverity(severity).setSummary(summary).setDetail(detail),
  );
}
