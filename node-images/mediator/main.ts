/** The program of a mediator: `node main.ts --config FILE`. */
import { runNode } from "@pulumi-canton/runtime/node.ts";
import { mediatorSchema } from "./config.ts";
import { startMediator } from "./node.ts";

await runNode({ role: "mediator", schema: mediatorSchema, start: startMediator });
