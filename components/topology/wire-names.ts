/** Permissions and trust levels on the wire. Apart from their names: the generated code takes a while to load. Pure. */
import {
  type ParticipantPermission as WirePermission,
  type TrustLevel as WireTrustLevel,
  ParticipantPermission as wirePermission,
  TrustLevel as wireTrustLevel,
} from "@pulumi-canton/protocol/gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { type Permission, permissions, type TrustLevel, trustLevels } from "./topology-names.ts";

/** To the wire. */
export function permissionToWire(permission: Permission): WirePermission {
  return wirePermission[permission];
}

/** From the wire; undefined for a value that no one may use. */
export function permissionFromWire(value: WirePermission): Permission | undefined {
  return permissions.find((permission) => wirePermission[permission] === value);
}

/** To the wire. */
export function trustLevelToWire(level: TrustLevel): WireTrustLevel {
  return wireTrustLevel[level];
}

/** From the wire; undefined for a value that no one may use. */
export function trustLevelFromWire(value: WireTrustLevel): TrustLevel | undefined {
  return trustLevels.find((level) => wireTrustLevel[level] === value);
}
