/** Where the engine starts the package. In JavaScript, as the SDK loads a first file in TypeScript through a compiler that knows no imports with `.ts`. */
import { main } from "@pulumi/pulumi/provider/index.js";
import { PackageProvider } from "./package-provider.ts";

main(new PackageProvider(), process.argv.slice(2));
