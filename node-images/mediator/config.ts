/** Configuration of a mediator: what every node has. Its domain it is told with MediatorInitializationService. */
import { baseNodeSchema } from "@pulumi-canton/runtime/config.ts";
import type { z } from "zod";

/** The configuration file of a mediator. */
export const mediatorSchema = baseNodeSchema;

/** A checked configuration. */
export type MediatorConfig = z.output<typeof mediatorSchema>;
