import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { descriptorFacts, filesByName } from "./descriptor-facts.ts";

/** A `FileDescriptorSet` in JSON. */
export type DescriptorSet = Parameters<typeof filesByName>[0];

/**
 * Has buf read a folder of .proto files, or a serialized `FileDescriptorSet` (`*.binpb`), and gives the descriptors.
 *
 * @throws when the input is not valid; the message has buf's words.
 */
export function buildDescriptors(input: string): DescriptorSet {
  const program = join(dirname(createRequire(import.meta.url).resolve("@bufbuild/buf/package.json")), "bin", "buf");
  const output = execFileSync(
    process.execPath,
    [program, "build", input, "--exclude-source-info", "-o", "-#format=json"],
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  return JSON.parse(output.toString()) as DescriptorSet;
}

/** Whether a .proto file is one whose published shape we carry: all but our own and protobuf's well-known types. */
export function isPublished(name: string): boolean {
  return !name.startsWith("pulumicanton/") && !name.startsWith("google/protobuf/");
}

/** The facts of the files of a set with these names; files that the set lacks are left out. */
export function factsOf(set: DescriptorSet, names: Iterable<string>) {
  const files = filesByName(set);
  return descriptorFacts([...names].flatMap((name) => files.get(name) ?? []));
}
