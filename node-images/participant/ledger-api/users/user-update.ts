import { type Annotations, fitsAnnotations, mergeAnnotations } from "../annotations.ts";
import { maskNames } from "../update-mask.ts";
import type { User } from "./user.ts";

/** The fields of a user that a mask may name. Those that an update cannot change are accepted and left alone, as published. */
export const USER_FIELDS = [
  "id",
  "primary_party",
  "is_deactivated",
  "metadata.resource_version",
  "metadata.annotations",
  "identity_provider_id",
] as const;

/** What an update changes; what it does not have stays. */
export interface UserUpdate {
  readonly primaryParty?: string;
  readonly isDeactivated?: boolean;
  /** Merged into the present ones; an empty value removes its key. */
  readonly annotations?: Annotations;
  /** The version that the caller has seen. */
  readonly resourceVersion?: bigint;
}

/**
 * The update that a request asks for.
 *
 * @param paths a field mask without fault
 */
export function userUpdateOf(
  given: Pick<User, "primaryParty" | "isDeactivated" | "annotations">,
  resourceVersion: bigint | undefined,
  paths: readonly string[],
): UserUpdate {
  return {
    ...(maskNames(paths, "primary_party") && { primaryParty: given.primaryParty }),
    ...(maskNames(paths, "is_deactivated") && { isDeactivated: given.isDeactivated }),
    ...(maskNames(paths, "metadata.annotations") && { annotations: given.annotations }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
}

/** The user after an update, or why it cannot be: somebody was faster, or the annotations do not fit. */
export function applyUserUpdate(user: User, update: UserUpdate): User | "stale" | "tooLarge" {
  if (update.resourceVersion !== undefined && update.resourceVersion !== user.resourceVersion) return "stale";
  const annotations = mergeAnnotations(user.annotations, update.annotations ?? {});
  if (!fitsAnnotations(annotations)) return "tooLarge";
  return {
    ...user,
    primaryParty: update.primaryParty ?? user.primaryParty,
    isDeactivated: update.isDeactivated ?? user.isDeactivated,
    annotations,
    resourceVersion: user.resourceVersion + 1n,
  };
}
