import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { command } from "../environment/command.ts";
import { Failure } from "../environment/failure.ts";
import { cacheDirectory, homeOf, root } from "../environment/paths.ts";

await command(async (args) => {
  const main = join(root, "node-images", "console", "main.ts");
  if (!existsSync(main)) throw new Failure("this version has no console yet", [], 69);
  const console = spawn(process.execPath, [main, ...args], {
    stdio: "inherit",
    env: {
      // Halves the time of a start.
      NODE_COMPILE_CACHE: join(cacheDirectory(process.env), "compiled"),
      ...process.env,
      CANTON_HOME: homeOf(process.env).directory,
    },
  });
  process.on("SIGINT", () => {}); // the console gets it from the terminal too, and decides
  process.on("SIGTERM", () => console.kill());
  return new Promise((resolve, reject) => {
    console.once("error", reject);
    console.once("close", (code) => resolve(code ?? 1));
  });
});
