import {
  TopologyChangeOp as OpProto,
  ParticipantPermission as PermissionProto,
  RequestSide as SideProto,
  TrustLevel as TrustLevelProto,
} from "../gen/com/digitalasset/canton/protocol/v0/topology.ts";
import { fieldNotSet, ProtocolError } from "../protocol-error.ts";

/** What a topology transaction does to a mapping. `Replace` is for domain parameters only. */
export type TopologyChangeOp = "Add" | "Remove" | "Replace";

/** Which side of a relation authorises it: the left one (`From`), the right one (`To`), or both with one signature. */
export type RequestSide = "From" | "To" | "Both";

/** What a participant may do for a party, or on a domain, from most to least. */
export type ParticipantPermission = "Submission" | "Confirmation" | "Observation" | "Disabled";

/** How far a participant is trusted on a domain. */
export type TrustLevel = "Ordinary" | "Vip";

/** Looks an enum number up by name. @throws ProtocolError when it is 0 and that means missing, or when it is unknown. */
function fromNumber<Name extends string>(
  numbers: Record<Name, number> & Record<string, number>,
  missing: string | undefined,
  value: number,
  field: string,
): Name {
  if (missing !== undefined && value === 0) throw fieldNotSet(missing);
  const name = Object.keys(numbers).find((candidate) => numbers[candidate] === value);
  if (name === undefined) {
    const accepted = Object.keys(numbers).filter(
      (candidate) => candidate !== missing && !candidate.startsWith("Missing"),
    );
    throw new ProtocolError("UnrecognizedEnum", field, `${value} is unknown`, accepted.join(", "));
  }
  return name as Name;
}

/** @throws ProtocolError when the number is unknown. */
export function changeOpFromProto(value: number, field = "operation"): TopologyChangeOp {
  return fromNumber<TopologyChangeOp>(OpProto, undefined, value, field);
}

/** @throws ProtocolError when it is missing (Canton's `FieldNotSet(MissingRequestSide)`) or unknown. */
export function sideFromProto(value: number, field = "side"): RequestSide {
  return fromNumber<RequestSide>(SideProto, "MissingRequestSide", value, field);
}

/** @throws ProtocolError when it is missing (Canton's `FieldNotSet(MissingParticipantPermission)`) or unknown. */
export function permissionFromProto(value: number, field = "permission"): ParticipantPermission {
  return fromNumber<ParticipantPermission>(PermissionProto, "MissingParticipantPermission", value, field);
}

/** @throws ProtocolError when it is missing (Canton's `FieldNotSet(trustLevel)`) or unknown. */
export function trustLevelFromProto(value: number, field = "trust_level"): TrustLevel {
  return fromNumber<TrustLevel>(TrustLevelProto, "trustLevel", value, field);
}

export const changeOpToProto = (op: TopologyChangeOp): OpProto => OpProto[op];
export const sideToProto = (side: RequestSide): SideProto => SideProto[side];
export const permissionToProto = (permission: ParticipantPermission): PermissionProto => PermissionProto[permission];
export const trustLevelToProto = (level: TrustLevel): TrustLevelProto => TrustLevelProto[level];

/** From most to least; the numbers of the .proto happen to be in this order too, but that is not what they are for. */
const PERMISSIONS: readonly ParticipantPermission[] = ["Submission", "Confirmation", "Observation", "Disabled"];

/** The lesser of two permissions. */
export function lowerPermission(a: ParticipantPermission, b: ParticipantPermission): ParticipantPermission {
  return PERMISSIONS.indexOf(a) >= PERMISSIONS.indexOf(b) ? a : b;
}

/** The lesser of two trust levels. */
export function lowerTrustLevel(a: TrustLevel, b: TrustLevel): TrustLevel {
  return a === "Ordinary" ? a : b;
}
