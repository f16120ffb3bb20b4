import { runNode } from "@pulumi-canton/runtime/node.ts";
import { participantSchema } from "./config.ts";
import { startParticipant } from "./participant-node.ts";

await runNode({ role: "participant", schema: participantSchema, start: startParticipant });
