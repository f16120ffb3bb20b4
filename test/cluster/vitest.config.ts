/** The tests on a whole Kubernetes, which need root and take too long for every run: `npm run cluster`. */
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "..", ".."),
  test: {
    include: ["test/cluster/**/*.cluster.ts"],
    // Each has the machine to itself.
    maxWorkers: 1,
    retry: 0,
  },
});
