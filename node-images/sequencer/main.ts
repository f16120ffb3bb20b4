/** The program of a sequencer: `node main.ts --config FILE`. */
import { runNode } from "@pulumi-canton/runtime/node.ts";
import { sequencerSchema } from "./config.ts";
import { startSequencer } from "./sequencer-node.ts";

await runNode({ role: "sequencer", schema: sequencerSchema, start: startSequencer });
