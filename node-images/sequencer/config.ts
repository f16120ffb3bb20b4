/** Configuration of a sequencer. */
import { baseNodeSchema, durationSchema, serverSchema, storageSchema } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";

/** The configuration file of a sequencer. */
export const sequencerSchema = baseNodeSchema.extend({
  /** Where members reach it. */
  publicApi: serverSchema,
  /** The database that all sequencers of the domain share: messages, and who got them. */
  backend: storageSchema,
  authentication: z
    .strictObject({
      /** How long a member has to answer a challenge. Default 1m. */
      nonceLifetime: durationSchema.prefault("1m"),
      /** How long a token lasts. Default 1h. */
      tokenLifetime: durationSchema.prefault("1h"),
    })
    .prefault({}),
  /** New mailboxes a minute for members that have not joined yet; more have to wait. Default 300. */
  onboardingsPerMinute: z.int().min(1).default(300),
});

/** A checked configuration. */
export type SequencerConfig = z.output<typeof sequencerSchema>;
