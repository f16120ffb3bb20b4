import { acquireEngine } from "../engine/acquire.ts";
import { command, say, unknownArgument } from "../environment/command.ts";

const help = `usage: ./scripts/setup

Installs what this project needs: the npm packages (with them Node 24 and the Postgres binaries), the generated
protocol code, and the Pulumi engine (the one on the PATH, or a download, or built from Go modules; kept in
\${XDG_CACHE_HOME:-~/.cache}/pulumi-canton). Does only what is not done yet. ./scripts/up and ./scripts/test call it.`;

await command(async ([argument]) => {
  if (argument === "--help" || argument === "-h") {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  if (argument !== undefined) unknownArgument(argument);
  const engine = await acquireEngine(process.env, say);
  say(`Ready: Node ${process.versions.node}, Pulumi ${engine.version} (${engine.file})`);
  return 0;
});
