import type { Effect, Event, Remembered, State } from "./onboarding.ts";
import { begin, decide, effectOf } from "./onboarding.ts";

/** Does what a state asks for, in the real world, and says how it went. Only {@link Event}s come back; a throw ends the attempt. */
export type Perform = (effect: Effect, signal: AbortSignal) => Promise<Event>;

/**
 * Drives one attempt from its beginning to `active` or `refused`, one effect at a time.
 *
 * @param options.onState told of every state that is entered, the first included.
 * @throws the signal's reason when it aborts between two effects, and whatever `perform` throws.
 */
export async function runOnboarding(
  remembered: Remembered,
  perform: Perform,
  options: { readonly signal: AbortSignal; readonly onState?: (state: State) => void },
): Promise<Extract<State, { phase: "active" | "refused" }>> {
  let state = begin(remembered);
  for (;;) {
    options.onState?.(state);
    if (state.phase === "active" || state.phase === "refused") return state;
    options.signal.throwIfAborted();
    const effect = effectOf(state);
    if (effect === undefined) throw new Error(`onboarding has nothing to do in phase ${state.phase}`);
    state = decide(state, await perform(effect, options.signal));
  }
}

/**
 * Drives an attempt only as far as the participant can go without speaking up: agreement, protocol version, domain id,
 * parameters. Ends in `remembering`, with what is to be stored, or in `refused`.
 */
export async function runHandshake(
  remembered: Remembered,
  perform: Perform,
  signal: AbortSignal,
): Promise<Extract<State, { phase: "remembering" | "refused" }>> {
  let state = begin(remembered);
  for (;;) {
    if (state.phase === "remembering" || state.phase === "refused") return state;
    signal.throwIfAborted();
    const effect = effectOf(state);
    if (effect === undefined) throw new Error(`the handshake has nothing to do in phase ${state.phase}`);
    state = decide(state, await perform(effect, signal));
  }
}
