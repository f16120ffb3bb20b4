/** Configuration of a sequencer. */
import {
  baseNodeSchema,
  durationSchema,
  fileSchema,
  serverSchema,
  storageSchema,
} from "@pulumi-canton/runtime/config.ts";
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
  /**
   * Terms of service that every participant has to accept before it is let in; the same at all sequencers of the domain.
   * Another id or another text is a new version, which has to be accepted anew. Default: none.
   */
  termsOfService: z
    .strictObject({
      /** Names this version of the terms, for example `2026-01`: 1 to 185 visible characters. */
      id: z.string().regex(/^[!-~]([ -~]{0,183}[!-~])?$/, "expected 1 to 185 visible ASCII characters"),
      /** The file with the text: UTF-8, at most 1 MiB. */
      textFile: fileSchema,
    })
    .optional(),
  /** New mailboxes a minute for members that have not joined yet; more have to wait. Default 300. */
  onboardingsPerMinute: z.int().min(1).default(300),
});

/** A configuration as it is written. */
export type SequencerConfigInput = z.input<typeof sequencerSchema>;

/** A checked configuration. */
export type SequencerConfig = z.output<typeof sequencerSchema>;
