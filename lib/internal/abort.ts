/** What waits for each signal; one listener per signal stands for all, because Node warns of more than ten. */
const waiting = new WeakMap<AbortSignal, { readonly actions: Set<() => void>; readonly listener: () => void }>();

/**
 * Runs `action` when the signal is aborted. Many calls may share one signal.
 *
 * @returns forgets the action; the last one to go leaves the signal as it was
 */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  let entry = waiting.get(signal);
  if (entry === undefined) {
    const actions = new Set<() => void>();
    const listener = (): void => {
      for (const one of actions) one();
    };
    entry = { actions, listener };
    waiting.set(signal, entry);
    signal.addEventListener('abort', listener, { once: true });
  }
  const { actions, listener } = entry;
  actions.add(action);
  return () => {
    actions.delete(action);
    if (actions.size > 0 || waiting.get(signal)?.actions !== actions) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', listener);
  };
}
