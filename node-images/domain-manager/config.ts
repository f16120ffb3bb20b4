/** Configuration of a domain manager. */
import { baseNodeSchema, durationSchema, endpointSchema, fileSchema } from "@pulumi-canton/runtime/config.ts";
import { z } from "zod";

const peerName = z.string().min(1).max(185);

function uniqueNames(peers: readonly { name: string }[], context: z.core.$RefinementCtx): void {
  peers.forEach(({ name }, index) => {
    if (peers.findIndex((other) => other.name === name) !== index) {
      context.addIssue({
        code: "custom",
        path: [index, "name"],
        message: "expected a name that no other entry of the list has",
      });
    }
  });
}

const sequencerUrl = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url !== undefined && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.hostname === "" || !plain) {
    context.addIssue({ code: "custom", message: "expected http://host:port or https://host:port" });
  }
});

/** One sequencer of the domain. */
export const sequencerPeerSchema = z.strictObject({
  name: peerName,
  adminApi: endpointSchema,
  /** Where members reach it, as this node can reach it too. */
  publicApi: sequencerUrl,
  /** Trust anchors (PEM) for an `https` public API; default: the machine's. */
  publicApiCaFile: fileSchema.optional(),
});

/** One mediator of the domain. */
export const mediatorPeerSchema = z.strictObject({ name: peerName, adminApi: endpointSchema });

/** The configuration file of a domain manager. */
export const domainManagerSchema = baseNodeSchema.extend({
  domain: z
    .strictObject({
      onboarding: z
        .strictObject({
          /** `permissioned`: only participants on the allow-list (`participants.set_state`); `open`: everybody. */
          policy: z.enum(["permissioned", "open"]).default("permissioned"),
        })
        .prefault({}),
      /** Initialised by this node. Empty: they are initialised by hand and given with DomainInitializationService. */
      sequencers: z.array(sequencerPeerSchema).superRefine(uniqueNames).default([]),
      mediators: z.array(mediatorPeerSchema).superRefine(uniqueNames).default([]),
      /**
       * Dynamic parameters that the domain starts with; afterwards they are changed through the admin API.
       * Default: those of Canton 2.10.
       */
      initialParameters: z
        .strictObject({
          participantResponseTimeout: durationSchema.optional(),
          mediatorReactionTimeout: durationSchema.optional(),
          transferExclusivityTimeout: durationSchema.optional(),
          topologyChangeDelay: durationSchema.optional(),
          ledgerTimeRecordTimeTolerance: durationSchema.optional(),
          reconciliationInterval: durationSchema.optional(),
          mediatorDeduplicationTimeout: durationSchema.optional(),
          maxRatePerParticipant: z.int().min(0).optional(),
          /** Bytes. */
          maxRequestSize: z
            .int()
            .min(65_536)
            .max(2 ** 31 - 1)
            .optional(),
        })
        .prefault({}),
    })
    .prefault({}),
});

/** A checked configuration. */
export type DomainManagerConfig = z.output<typeof domainManagerSchema>;
/** A checked entry of `domain.sequencers`. */
export type SequencerPeer = z.output<typeof sequencerPeerSchema>;
/** A checked entry of `domain.mediators`. */
export type MediatorPeer = z.output<typeof mediatorPeerSchema>;
