/** Run before every start of PostgreSQL: `node remove-foreign-lock.ts DIRECTORY`; see `removeForeignLock`. */
import { removeForeignLock } from "./postgres-lock.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  process.stderr.write("usage: node remove-foreign-lock.ts DIRECTORY\n");
  process.exit(64);
}
if (removeForeignLock(directory))
  process.stdout.write("removed a lock file whose process id belongs to a foreign program\n");
