import type { BaseQuery } from "@pulumi-canton/protocol/gen/com/digitalasset/canton/topology/admin/v0/topology_manager_read_service.ts";

/**
 * Asks for what holds now in a topology store.
 *
 * @param store `Authorized`, what the node itself has authorised, or the id of a domain
 */
export function headState(store: string): BaseQuery {
  return {
    filterStore: store,
    useStateStore: true,
    operation: 0,
    filterOperation: false,
    timeQuery: { $case: "headState", value: {} },
    filterSignedKey: "",
    protocolVersion: undefined,
  };
}
