/**
 * Where the engine starts the pack. In JavaScript, as the SDK loads a first file in TypeScript through a compiler that checks
 * types for seconds and knows no imports with `.ts`; what this imports Node loads itself.
 */
import "./pack.ts";
