import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { command, say } from "../environment/command.ts";
import { buildPackage } from "../package/build-package.ts";

const help = `usage: npm run package [FOLDER]

Makes the npm package pulumi-canton of this clone, as a file pulumi-canton-VERSION.tgz in FOLDER (default: here).
It is for programs in TypeScript and JavaScript; those in other languages use 'pulumi package add' with stacks/published.

exit codes: 0 made; 1 the types are not right; 64 wrong arguments`;

await command(async (args) => {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  if (args.length > 1 || args[0]?.startsWith("-")) {
    process.stderr.write(`${help}\n`);
    return 64;
  }
  const destination = resolve(args[0] ?? ".");
  const folder = mkdtempSync(join(tmpdir(), "pulumi-canton-package-"));
  try {
    say("Compiling ...");
    buildPackage(folder);
    const pack = ["pack", "--ignore-scripts", "--loglevel=error", `--pack-destination=${destination}`];
    return spawnSync("npm", pack, { cwd: folder, stdio: "inherit" }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
