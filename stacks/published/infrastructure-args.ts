/** What the arguments of all infrastructure components have in common, and where they differ from the configuration of the templates. */
import { standbySchema } from "../infrastructure/config.ts";

/** Keys that are another thing in a program than in the configuration of a stack. */
export const infrastructureArgs = {
  /**
   * Makes this the standby region of another stack of the cloud's template, or of one that exports the outputs of this component.
   * Default: it stands for itself.
   */
  standby: standbySchema.omit({ decidedBy: true }).optional(),
};
