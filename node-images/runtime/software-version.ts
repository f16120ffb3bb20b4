import { readFileSync } from "node:fs";

/** The version of this software, as the status services tell it: all nodes are released together. */
export const softwareVersion: string = (
  JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")) as { version: string }
).version;
