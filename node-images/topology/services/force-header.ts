/**
 * Request metadata, `true`, with which `DeleteKeyPair` deletes a key that is in use. The published request has no field for
 * that: Canton's own console asks its user, and its node deletes whatever it is told to.
 */
export const forceHeader = "pulumi-canton-force";
