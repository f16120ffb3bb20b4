/** Imported into a program (`node --import`): prints last how much memory it had at its most. */
process.once("exit", () => process.stdout.write(`\npeak memory: ${process.resourceUsage().maxRSS} KiB\n`));
