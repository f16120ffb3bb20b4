import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{bench,components,node-images,policies,scripts,stacks,test}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/.canton/**", "**/gen/**"],
    // One PostgreSQL for the whole run; tests make their own databases in it.
    globalSetup: ["test/postgres.ts"],
    setupFiles: ["test/property-runs.ts"],
    // Tests start processes and databases of their own: more at once than this only makes two cores wait.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // How long a poll waits for what is to come: on a machine that is busy with something else, the default of a second is short.
    expect: { poll: { timeout: 10_000 } },
    // A test that needs a second try is a test to repair.
    retry: 0,
  },
});
