/**
 * Runs the SDK's provider for dynamic resources (`@pulumi/pulumi/cmd/dynamic-provider`) of the program in the working
 * directory, and ends with the engine that started it: the SDK's own launcher outlives an engine that was killed.
 */
import { resolveFrom } from "./module-location.ts";
import { onParentGone } from "./parent-watch.ts";

onParentGone(() => process.exit(0));
// An orderly end: only then does Node keep the compiled code of what was loaded here, for the next run.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
await import(resolveFrom(process.cwd(), "@pulumi/pulumi/cmd/dynamic-provider/index.js"));
