/** Where the schema is read from; what runs is `index.js`. */
export * from "./components.ts";
