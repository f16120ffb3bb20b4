/** The tests that take too long for every run: `npm run soak`. */
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "..", ".."),
  test: {
    include: ["test/soak/**/*.soak.ts"],
    // Each has the machine to itself.
    maxWorkers: 1,
    retry: 0,
  },
});
