// Exit code 0 when node_modules holds what package-lock.json asks for, so that `npm ci` would only delete and restore
// it. Compares with the list that npm itself keeps of what it installed. Plain JavaScript: runs on any Node from 18 on.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = process.argv[2];
const packages = (file) => JSON.parse(readFileSync(join(root, file), "utf8")).packages;

try {
  const installed = packages("node_modules/.package-lock.json");
  const asked = Object.entries(packages("package-lock.json")).filter(([path]) => path.includes("node_modules/"));
  const missing = asked.filter(([path, { version, link, optional }]) => {
    if (link) return !existsSync(join(root, path, "package.json"));
    if (installed[path] === undefined) return !optional; // an optional package may be for another platform
    return installed[path].version !== version || !existsSync(join(root, path, "package.json"));
  });
  process.exitCode = missing.length === 0 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
