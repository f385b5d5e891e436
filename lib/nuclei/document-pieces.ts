import { HistojetError } from '../errors.js';

const pieceBytes = 256 * 1024;

// Node's modules for files and streams are loaded when a document is read: importing the library stays quick.

async function isGzip(path: string): Promise<boolean> {
  const { open } = await import('node:fs/promises');
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

async function openPieces(path: string): Promise<AsyncIterable<Buffer>> {
  const gzip = await isGzip(path);
  const [{ createReadStream }, { pipeline }, zlib] = await Promise.all([
    import('node:fs'),
    import('node:stream'),
    gzip ? import('node:zlib') : undefined,
  ]);
  const file = createReadStream(path, { highWaterMark: pieceBytes });
  if (zlib === undefined) return file;
  return pipeline(file, zlib.createGunzip({ chunkSize: pieceBytes }), () => {}); // errors reach the reader of the last stream
}

/** A failure of reading or unpacking as an error with a code; anything else as it is. */
function systemError(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('code' in cause)) return cause;
  const code = String(cause.code);
  if (code.startsWith('Z_')) {
    return new HistojetError('HISTOJET_CORRUPT_FILE', `${path}: the gzip stream is damaged: ${cause.message}`, {
      cause,
    });
  }
  if ('syscall' in cause) return new HistojetError('HISTOJET_IO', `cannot read ${path}: ${cause.message}`, { cause });
  return cause;
}

/**
 * The bytes of a document piece by piece, unpacked when it is gzip (recognised by content).
 *
 * @param path - a local file
 * @param signal - ends the reading with its reason
 * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_CORRUPT_FILE`
 */
export async function* documentPieces(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const piece of await openPieces(path)) {
      signal?.throwIfAborted();
      yield piece;
    }
  } catch (error) {
    throw systemError(path, error);
  }
}
