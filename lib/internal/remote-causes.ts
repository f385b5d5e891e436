/** What was behind the last failures of requests, by message: native code carries a message only. */
const causes = new Map<string, unknown>();
const most = 32;

/** Keeps the cause of a failure that goes through native code. */
export function rememberCause(message: string, cause: unknown): void {
  if (cause === undefined) return;
  causes.delete(message);
  causes.set(message, cause);
  for (const oldest of causes.keys()) {
    if (causes.size <= most) break;
    causes.delete(oldest);
  }
}

/** The cause of a failure with this message, if it came from a request. */
export function causeOf(message: string): unknown {
  return causes.get(message);
}
