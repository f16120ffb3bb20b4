/** The program of a domain manager: `node main.ts --config FILE`. */
import { runNode } from "@pulumi-canton/runtime/node.ts";
import { domainManagerSchema } from "./config.ts";
import { startDomainManager } from "./node.ts";

await runNode({ role: "domain-manager", schema: domainManagerSchema, start: startDomainManager });
