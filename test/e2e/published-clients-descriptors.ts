/**
 * The published descriptors of Canton's and Daml's services, as a client has them that knows nothing of this repository:
 * taken from the PyPI package that `node-images/protocol/published/descriptors.py` reads.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../scripts/environment/paths.ts";
import { pythonEnvironment } from "../python-environment.ts";

/** With the version of the package that `facts.json` was written from. */
const requirements = join(import.meta.dirname, "dazl", "dazl-8.9.txt");
const script = join(import.meta.dirname, "..", "..", "node-images", "protocol", "published", "descriptors.py");

/**
 * The file of the descriptors, a serialized `FileDescriptorSet`: the one that `PUBLISHED_DESCRIPTORS` names, the one in
 * the cache, or one made from the package, which takes Python 3.9 to 3.12, the package index and some ten seconds.
 *
 * @returns or why it cannot be had here
 */
export async function publishedDescriptorsFile(): Promise<string | { readonly unavailable: string }> {
  const given = process.env["PUBLISHED_DESCRIPTORS"];
  if (given !== undefined && given !== "") return given;
  const cached = join(cacheDirectory(process.env), "published-dazl-8.9.0.binpb");
  if (existsSync(cached)) return cached;
  const python = await pythonEnvironment(requirements);
  if (typeof python !== "string") return python;
  const staging = `${cached}.${process.pid}`;
  await promisify(execFile)(python, [script, staging], { timeout: 60_000 });
  renameSync(staging, cached);
  return cached;
}

/** What is in {@link publishedDescriptorsFile}. */
export async function publishedDescriptors(): Promise<Buffer | { readonly unavailable: string }> {
  const file = await publishedDescriptorsFile();
  return typeof file === "string" ? readFileSync(file) : file;
}
