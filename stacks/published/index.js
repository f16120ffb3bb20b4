/**
 * Where the engine starts the package. In JavaScript, as the SDK loads a first file in TypeScript through a compiler that knows no
 * imports with `.ts`; what this imports Node loads itself.
 */
export * from "./components.ts";
