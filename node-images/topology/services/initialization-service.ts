/** `topology.admin.v0.InitializationService`: who the node is, and giving it an identity by hand. */
import { status } from "@grpc/grpc-js";
import { InitializationServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/initialization_service.ts";
import { parseFingerprint } from "@pulumi-canton/protocol/identity/fingerprint.ts";
import {
  shortenUniqueIdentifier,
  type UniqueIdentifier,
  uniqueIdentifier,
} from "@pulumi-canton/protocol/identity/unique-identifier.ts";
import { ProtocolError } from "@pulumi-canton/protocol/protocol-error.ts";
import { timestampToProto } from "@pulumi-canton/protocol/timestamp.ts";
import { plainError } from "@pulumi-canton/runtime/errors.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";
import { AlreadyInitialisedError, type NodeIdentity } from "../node-identity.ts";

/** What {@link initializationService} needs. */
export interface InitializationServiceOptions {
  identity: NodeIdentity;
  /** The name of the node in its configuration. */
  instance: string;
  /** Asked before the node takes its first identity; throws CantonError when something has to come first. */
  check?: ((uid: UniqueIdentifier) => Promise<void>) | undefined;
  /**
   * Called after the first InitId, so that the node goes on starting. The caller of InitId does not wait for it.
   */
  onInitialised?: ((uid: string) => void) | undefined;
  /** Microseconds since 1970; default: the clock of the machine. */
  clock?: (() => bigint) | undefined;
}

/** The service over a node's identity. */
export function initializationService(options: InitializationServiceOptions): GrpcService {
  const { identity, instance } = options;
  const clock = options.clock ?? (() => BigInt(Date.now()) * 1000n);
  return implement(InitializationServiceService, {
    initId: async (request) => {
      let uid: string;
      try {
        parseFingerprint(request.fingerprint, "fingerprint");
        uid = uniqueIdentifier(request.identifier, request.fingerprint, "identifier");
      } catch (error) {
        if (error instanceof ProtocolError) throw plainError(status.INVALID_ARGUMENT, error.message, error);
        throw error;
      }
      try {
        // A node that has an identity says so first, whatever is asked.
        if ((await identity.get()) === undefined) await options.check?.(uid);
        await identity.set(uid);
      } catch (error) {
        if (!(error instanceof AlreadyInitialisedError)) throw error;
        throw plainError(
          status.ALREADY_EXISTS,
          `Node is already initialized with id [NodeId(${shortenUniqueIdentifier(error.uid)})]`,
          error,
        );
      }
      options.onInitialised?.(uid);
      return { uniqueIdentifier: uid, instance: request.instance };
    },
    getId: async () => {
      const uid = await identity.get();
      return { initialized: uid !== undefined, uniqueIdentifier: uid ?? "", instance };
    },
    currentTime: async () => timestampToProto(clock()),
  });
}
