import { setTimeout as sleep } from 'node:timers/promises';
import { HistojetError, typeError } from '../errors.js';
import * as validate from '../internal/validate.js';
import { type HttpAnswer, type HttpTarget, RequestFailure, requestRange, statusFailure } from './http-request.js';

/** How a file over HTTP is asked for. */
export interface HttpOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs?: number | undefined;
}

const headBytes = 65536;
const defaultTimeoutMs = 30_000;
const longestTimeoutMs = 2 ** 31 - 1;
/** Waits before the second, third and fourth request for the same bytes. */
const retryDelaysMs = [200, 600, 1800] as const;
/** A connection that brought this much before it dropped has earned fresh retries. */
const progressBytes = 65536;

/** What must stay the same while the file is read. */
interface Version {
  readonly size: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

function checkTarget(address: string, options: HttpOptions): HttpTarget {
  if (!URL.canParse(address)) throw typeError('path: expected a file or an http(s) address that can be read');
  const url = new URL(address);
  const headers: Record<string, string> = {};
  if (url.username !== '' || url.password !== '') {
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.authorization = `Basic ${Buffer.from(user).toString('base64')}`;
    url.username = '';
    url.password = '';
  }
  url.hash = '';
  for (const [name, value] of Object.entries(validate.options('headers', options.headers))) {
    try {
      // Messages name the header and never its value, which may be a secret.
      new Headers({ [name]: value });
    } catch {
      throw typeError(`headers: expected names and values that HTTP allows, got '${name}' with ${typeof value}`);
    }
    headers[name.toLowerCase()] = value;
  }
  const timeoutMs = validate.integer('timeoutMs', options.timeoutMs ?? defaultTimeoutMs, 1, longestTimeoutMs);
  return { url, headers, timeoutMs };
}

/** "bytes 0-65535/1234567" in numbers; the total is null where the server does not tell it. */
function contentRange(headers: Headers): { first: number; last: number; total: number | null } {
  const text = headers.get('content-range') ?? '';
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(text.trim()) ?? [];
  if (first === undefined || last === undefined) {
    throw new RequestFailure(`the server answers a range with the Content-Range '${text.slice(0, 80)}'`, false);
  }
  return { first: Number(first), last: Number(last), total: total === '*' ? null : Number(total) };
}

/** The body of a 206 answer, checked against the length that its headers claim. */
async function* exactly(answer: HttpAnswer, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  const coding = answer.headers.get('content-encoding') ?? 'identity';
  if (coding !== 'identity') throw new RequestFailure(`the server compresses ranges (${coding})`, false);
  let received = 0;
  for await (const chunk of answer.chunks()) {
    received += chunk.length;
    if (received > length) throw new RequestFailure(`more bytes came than the ${length} of the range`, false);
    yield chunk;
  }
  if (received < length) throw new RequestFailure(`the answer ended after ${received} of ${length} bytes`, true);
}

/** A file that a server gives out in ranges. */
export class HttpFile {
  /** The address without user name and password. */
  readonly url: string;
  /** What messages call the file: the address without its query, which may hold a signature. */
  readonly name: string;
  readonly size: number;
  readonly #target: HttpTarget;
  readonly #version: Version;

  private constructor(target: HttpTarget, version: Version) {
    this.url = target.url.href;
    this.name = nameOf(target);
    this.size = version.size;
    this.#target = target;
    this.#version = version;
  }

  /**
   * Learns size and version from the first request, which brings the first 64 KiB along.
   *
   * @throws HistojetError HISTOJET_IO; TypeError, RangeError; the reason of `signal`
   */
  static async open(
    address: string,
    options: HttpOptions,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<{ readonly file: HttpFile; readonly head: Uint8Array }> {
    const target = checkTarget(address, options);
    for (let retries = 0; ; ++retries) {
      try {
        return await requestRange(target, { first: 0, last: headBytes - 1 }, signal, async (answer) => {
          const { version, first } = await readHead(answer);
          return { file: new HttpFile(target, version), head: first };
        });
      } catch (error) {
        await pauseOrThrow(nameOf(target), error, retries, false, signal);
      }
    }
  }

  /**
   * Fetches [offset, offset + length) and hands it to `use` piece by piece; what was handed over is never fetched
   * again, also when the connection drops. Ends early when `use` returns false.
   *
   * @throws HistojetError HISTOJET_IO; the reason of `signal`
   */
  async read(offset: number, length: number, signal: AbortSignal, use: (bytes: Uint8Array) => boolean): Promise<void> {
    const { etag, lastModified } = this.#version;
    const ifRange = etag?.startsWith('"') ? etag : (lastModified ?? undefined);
    let position = offset;
    const last = offset + length - 1;
    for (let retries = 0; position <= last; ) {
      const start = position;
      try {
        const wanted = await requestRange(this.#target, { first: start, last, ifRange }, signal, async (answer) => {
          for await (const chunk of exactly(answer, this.#checkAnswer(answer, start, last))) {
            position += chunk.length;
            if (!use(chunk)) return false;
          }
          return true;
        });
        if (!wanted) return;
      } catch (error) {
        if (position - start >= progressBytes) retries = 0;
        await pauseOrThrow(this.name, error, retries++, true, signal);
      }
    }
  }

  /** The length of the body of an answer to [first, last]. */
  #checkAnswer({ status, headers }: HttpAnswer, first: number, last: number): number {
    const { size } = this.#version;
    if (status === 416) throw changed(`it ended before byte ${first}`);
    if (status === 200) {
      this.#checkVersion(headers, Number(headers.get('content-length') ?? size));
      throw new RequestFailure('the server stopped answering ranges', false);
    }
    if (status !== 206) throw statusFailure(status, headers);
    const range = contentRange(headers);
    this.#checkVersion(headers, range.total ?? size);
    if (range.first !== first || range.last > last || range.last < first) {
      const got = `${range.first}-${range.last}`;
      throw new RequestFailure(`the server answers the range ${first}-${last} with ${got}`, false);
    }
    return range.last - range.first + 1;
  }

  #checkVersion(headers: Headers, size: number): void {
    const { etag, lastModified } = this.#version;
    if (size !== this.#version.size) throw changed(`from ${this.#version.size} to ${size} bytes`);
    const newTag = headers.get('etag');
    if (etag !== null && newTag !== null && newTag !== etag) throw changed('it has another ETag');
    const newDate = headers.get('last-modified');
    if (etag === null && lastModified !== null && newDate !== null && newDate !== lastModified) {
      throw changed(`last modified ${newDate}`);
    }
  }
}

function changed(how: string): RequestFailure {
  return new RequestFailure(`the file changed while it was read (${how}); open it again`, false);
}

function nameOf({ url }: HttpTarget): string {
  return url.origin + url.pathname;
}

async function readHead(answer: HttpAnswer): Promise<{ version: Version; first: Uint8Array }> {
  const { status, headers } = answer;
  const etag = headers.get('etag');
  const lastModified = headers.get('last-modified');
  if (status === 416 && /^bytes \*\/0$/.test(headers.get('content-range') ?? '')) {
    return { version: { size: 0, etag, lastModified }, first: new Uint8Array() };
  }
  if (status === 200) {
    throw new RequestFailure(
      'the server does not give out ranges of files (it answers a Range request with HTTP 200); download the file and ' +
        'open the copy',
      false,
    );
  }
  if (status !== 206) throw statusFailure(status, headers);
  const range = contentRange(headers);
  if (range.total === null) throw new RequestFailure('the server does not tell the size of the file', false);
  if (range.first !== 0 || range.last >= headBytes || range.last >= range.total) {
    const got = `${range.first}-${range.last}/${range.total}`;
    throw new RequestFailure(`the server answers the range 0-${headBytes - 1} with ${got}`, false);
  }
  const pieces: Uint8Array[] = [];
  for await (const chunk of exactly(answer, range.last + 1)) pieces.push(chunk);
  return { version: { size: range.total, etag, lastModified }, first: Buffer.concat(pieces) };
}

/** Waits before the next try, or throws what the caller shall see. */
async function pauseOrThrow(
  name: string,
  error: unknown,
  retries: number,
  opened: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (!(error instanceof RequestFailure)) throw error;
  const delay = retryDelaysMs[retries];
  const passing = error.retry === true || (error.retry === 'late' && opened);
  if (!passing || delay === undefined) {
    const times = passing ? ` (${retries + 1} times)` : '';
    throw new HistojetError('HISTOJET_IO', `cannot read ${name}: ${error.message}${times}`, {
      cause: error.cause ?? error,
    });
  }
  try {
    await sleep(Math.max(delay, error.retryAfterMs ?? 0), undefined, { signal });
  } catch (stopped) {
    signal.throwIfAborted();
    throw stopped;
  }
}
