/** `connection.v30.ApiInfoService`: which API a client has connected to; Canton's console asks before anything else. */
import { ApiInfoServiceService } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/connection/v30/api_info.ts";
import { type GrpcService, implement } from "@pulumi-canton/runtime/grpc-server.ts";

/** The names that Canton's console accepts: of a node's admin API and of a participant's ledger API. */
export type ApiName = "admin-api" | "ledger-api";

/** @param name what the server that serves it is */
export function apiInfoService(name: ApiName): GrpcService {
  return implement(ApiInfoServiceService, { getApiInfo: async () => ({ name }) });
}
