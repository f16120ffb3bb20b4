import type { HostingPermission } from "./mapping.ts";

/** What the domain's topology says of each side, as any node on the domain sees it. */
export interface HostingSides {
  readonly to: readonly HostingPermission[];
  readonly from: readonly HostingPermission[];
}

/** Whether a hosting is active, and if not, whose word is missing: for people. Pure. */
export interface HostingProgress {
  readonly active: boolean;
  /** Empty when nothing is missing. */
  readonly pending: string;
}

/** A hosting is active once both sides have given their word: the hosting participant first (`To`), then the party's owner (`From`). */
export function hostingProgress(
  { to, from }: HostingSides,
  names: { readonly party: string; readonly participant: string },
): HostingProgress {
  const missing = [
    ...(to.length === 0
      ? [`${names.participant} has to agree to host ${names.party} (side To, give its admin API as target)`]
      : []),
    ...(from.length === 0
      ? [`the owner of ${names.party} has to authorise ${names.participant} (side From, give its admin API as source)`]
      : []),
  ];
  return { active: missing.length === 0, pending: missing.join("; then ") };
}
