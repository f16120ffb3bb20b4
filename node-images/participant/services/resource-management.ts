import { ResourceManagementServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/participant/admin/v0/resource_management_service.ts";
import { implement } from "@pulumi-canton/runtime/grpc-server.ts";

/** -1 on the wire: no limit. */
const NO_LIMIT = -1;

/** The limits are told as they are, none; setting them is not built. */
export function resourceManagementService() {
  return implement(ResourceManagementServiceService, {
    getResourceLimits: async () => ({ maxDirtyRequests: NO_LIMIT, maxRate: NO_LIMIT, maxBurstFactor: 0.5 }),
  });
}
