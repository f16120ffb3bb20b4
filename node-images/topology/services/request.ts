/** What the services of this folder have in common in reading requests: refusals in Canton's words. */
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { deserializationFailure, type NodeLabel } from "../topology-errors.ts";

/**
 * Runs what reads a request, and turns a refusal of the protocol package into the one that Canton answers.
 *
 * @throws CantonError PROTO_DESERIALIZATION_FAILURE
 */
export async function readingRequest<T>(node: NodeLabel, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ProtocolError) throw deserializationFailure(error.reason, node);
    throw error;
  }
}
