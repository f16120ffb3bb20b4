/** A key that a node holds, with the name that it was given there. */
export interface HeldKey {
  readonly fingerprint: string;
  readonly name: string;
}

/** What there is of a member's keys of one purpose. Of several nodes that are one member, only the keys of one are looked at. */
export interface KeyState {
  /** The keys of this purpose that the node holds. */
  readonly held: readonly HeldKey[];
  /** Those of them that the member is said to use, as the topology manager has authorised it. */
  readonly authorized: readonly string[];
  /** Those of them that the topology of the domain says that it uses; absent: no domain is to be waited for. */
  readonly effective?: readonly string[];
}

/** Which key is wanted. */
export interface WantedKey {
  /** Name of the key that belongs to the wanted version. */
  readonly name: string;
  /** The key that stands for the wanted version already, as the last update left it. */
  readonly current?: string | undefined;
  /** A new resource takes the key that the member uses already, whatever its name. */
  readonly adopt: boolean;
}

/** One step. */
export type KeyStep =
  | { readonly do: "generate"; readonly name: string }
  | { readonly do: "authorize"; readonly key: string }
  /** The key is no longer used; it stays in the node's vault, so that what was encrypted for it can still be read. */
  | { readonly do: "revoke"; readonly key: string }
  /** Nothing to do but let the change arrive. */
  | { readonly do: "wait" };

/** The key that is wanted, as far as there is one. */
export function chosenKey(wanted: WantedKey, { held, authorized }: KeyState): string | undefined {
  const holds = (fingerprint: string | undefined) => held.some((key) => key.fingerprint === fingerprint);
  if (holds(wanted.current)) return wanted.current;
  const named = held.find(({ name }) => name === wanted.name)?.fingerprint;
  if (named !== undefined || !wanted.adopt) return named;
  return authorized.find(holds);
}

/**
 * The steps that leave the member with exactly the wanted one of this node's keys. The old keys go only once the new one is
 * in effect, so there is no moment without a key that others know.
 */
export function planKey(wanted: WantedKey, state: KeyState): KeyStep[] {
  const { authorized, effective } = state;
  const key = chosenKey(wanted, state);
  if (key === undefined) return [{ do: "generate", name: wanted.name }];
  if (!authorized.includes(key)) return [{ do: "authorize", key }];
  if (effective !== undefined && !effective.includes(key)) return [{ do: "wait" }];
  const old = authorized.filter((each) => each !== key);
  if (old.length > 0) return old.map((each) => ({ do: "revoke", key: each }));
  return effective?.some((each) => each !== key) ? [{ do: "wait" }] : [];
}
