/** The supervisor's process: `node main.ts HOME`. A second one for the same home ends at once. */
import { appendFileSync } from "node:fs";
import { localHome, makePrivateFolder } from "../home.ts";
import { tryLock } from "../mutex.ts";
import { namesIn, supervisorFiles } from "./process-spec.ts";
import { Supervisor } from "./supervisor.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write("usage: node main.ts HOME\n");
  process.exit(64);
}
const home = localHome(directory);
const files = supervisorFiles(home);
const held = await tryLock(`supervisor of ${home.directory}`);
// Another one runs, or what was to be run is gone again: nothing is made that somebody would have to remove.
if (held === undefined || namesIn(files.specs).length + namesIn(files.states).length === 0) process.exit(0);
makePrivateFolder(files.states);

const supervisor = new Supervisor({
  home,
  environment: environmentOfProcesses(),
  log: (message) => {
    try {
      appendFileSync(files.log, `${new Date().toISOString()} ${message}\n`);
    } catch {
      // The home may be gone: there is nowhere left to say so.
    }
  },
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void supervisor.stop());
process.on("SIGHUP", () => undefined);
await supervisor.begin();
await supervisor.finished;
await held.release();

/** The little that a process may inherit; everything else is in its spec. */
function environmentOfProcesses(): Record<string, string> {
  const inherited = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "NODE_COMPILE_CACHE"];
  return Object.fromEntries(
    inherited.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
