import { onAbort } from '../internal/abort.js';

/** Where requests go and what they carry. */
export interface HttpTarget {
  /** Without user name and password. */
  readonly url: URL;
  /** The caller's own, credentials among them: sent to the origin of `url` only. */
  readonly headers: Readonly<Record<string, string>>;
  /** How long a request may go without a byte. */
  readonly timeoutMs: number;
}

/** Why one request failed, without the address. */
export class RequestFailure extends Error {
  override readonly name = 'RequestFailure';
  /** Whether the same request may succeed a moment later: `'late'` once the file was there before. */
  readonly retry: boolean | 'late';
  /** What the server asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retry: boolean | 'late', options?: ErrorOptions & { readonly retryAfterMs?: number }) {
    super(message, options);
    this.retry = retry;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

const largestHops = 10;
const longestWaitMs = 10_000;
const redirects: readonly number[] = [301, 302, 303, 307, 308];
const passing: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/** An answer whose body is read through `chunks` alone. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  chunks(): AsyncGenerator<Uint8Array, void, undefined>;
}

/** The failure that a status stands for. */
export function statusFailure(status: number, headers: Headers): RequestFailure {
  if (status === 404 || status === 410)
    return new RequestFailure(`not found (HTTP ${status}); check the address`, false);
  if (status === 401 || status === 403) {
    return new RequestFailure(
      `access denied (HTTP ${status}); the option \`headers\` of Slide.open can carry credentials`,
      false,
    );
  }
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  const wait = Number.isFinite(seconds) ? { retryAfterMs: Math.min(Math.max(seconds, 0) * 1000, longestWaitMs) } : {};
  return new RequestFailure(`the server answered HTTP ${status}`, passing.includes(status), wait);
}

/** What went wrong below HTTP, in a few words, and whether it may pass. */
function networkFailure(error: unknown): RequestFailure {
  if (error instanceof RequestFailure) return error;
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : '';
  const text = reason instanceof Error ? reason.message : String(reason);
  const words = code === '' || text.includes(code) ? text : `${text} ${code}`.trim();
  // A wrong name or an untrusted certificate stays wrong; a refused connection may be a server that restarts.
  const lasting = /CERT|SIGNATURE|TLS|SSL|ERR_INVALID|EPROTO/.test(code) || error instanceof RangeError;
  const late = code === 'ENOTFOUND' || code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH';
  return new RequestFailure(`the connection failed: ${words}`, lasting ? false : late ? 'late' : true, {
    cause: error,
  });
}

/** Follows redirects itself, because fetch would take the caller's headers along to other origins. */
async function follow(
  target: HttpTarget,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  let url = target.url;
  for (let hops = 0; hops <= largestHops; ++hops) {
    const own = url.origin === target.url.origin ? target.headers : {};
    const response = await fetch(url, { headers: { ...own, ...headers }, redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (!redirects.includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
    if (next === undefined || !/^https?:$/.test(next.protocol)) {
      throw new RequestFailure('the server redirects to an address that is neither http nor https', false);
    }
    next.username = '';
    next.password = '';
    url = next;
  }
  throw new RequestFailure(`more than ${largestHops} redirects`, false);
}

/**
 * Asks for bytes [first, last] and hands the answer to `use`. The request ends with `use`: a body that was not read to
 * its end is dropped with its connection.
 *
 * @throws RequestFailure; the reason of `signal`
 */
export async function requestRange<Result>(
  target: HttpTarget,
  range: { readonly first: number; readonly last: number; readonly ifRange?: string | undefined },
  signal: AbortSignal,
  use: (answer: HttpAnswer) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const { timeoutMs } = target;
  const own = new AbortController();
  const forget = onAbort(signal, () => own.abort(signal.reason));
  const timer = setTimeout(() => {
    own.abort(new RequestFailure(`no byte came for ${timeoutMs / 1000} s`, 'late'));
  }, timeoutMs);
  // With a range fetch itself asks for the identity coding.
  const headers: Record<string, string> = { range: `bytes=${range.first}-${range.last}` };
  if (range.ifRange !== undefined) headers['if-range'] = range.ifRange;
  let body: Response['body'] = null;
  try {
    const response = await follow(target, headers, own.signal);
    body = response.body;
    timer.refresh();
    return await use({
      status: response.status,
      headers: response.headers,
      async *chunks() {
        if (body === null) return;
        for await (const chunk of body) {
          timer.refresh();
          yield chunk as Uint8Array;
        }
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw networkFailure(own.signal.aborted ? own.signal.reason : error);
  } finally {
    clearTimeout(timer);
    forget();
    own.abort();
    // An abort is lost when the garbage collector takes the request of an answer whose body nobody reads.
    if (body !== null && !body.locked) body.cancel().catch(() => {});
  }
}
