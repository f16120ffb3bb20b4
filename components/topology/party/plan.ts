/** What is to be seen of a party on its participant. */
export interface PartyState {
  /** The participant's own topology says that it hosts the party. */
  readonly authorized: boolean;
  /** The domain's topology, as the participant sees it, says so too. */
  readonly visible: boolean;
  /** Whether the participant is connected to the domain, so that a change reaches it. */
  readonly connected: boolean;
}

/** One step. */
export type PartyStep =
  | { readonly do: "authorize" }
  | { readonly do: "revoke" }
  /** Nothing to do but let the change arrive. */
  | { readonly do: "wait" };

/** The steps to a party that is hosted, and seen to be. */
export function planParty(state: PartyState): PartyStep[] {
  if (!state.authorized) return [{ do: "authorize" }];
  return state.visible ? [] : [{ do: "wait" }];
}

/** The steps to a party that is not hosted. A participant that is not connected cannot learn of the domain's state: it does not wait. */
export function planPartyRemoval(state: PartyState): PartyStep[] {
  if (state.authorized) return [{ do: "revoke" }];
  return state.visible && state.connected ? [{ do: "wait" }] : [];
}
