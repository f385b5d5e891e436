import { HistojetError } from '../errors.js';

/**
 * Writes a file that carries its name only when it is complete: the bytes go to `<path>.part`, which is renamed at the
 * end and deleted on failure.
 *
 * @throws {@link HistojetError} `HISTOJET_IO`; the signal's reason; what the iterable throws, if it is a HistojetError
 */
export async function writeWholeFile(
  path: string,
  data: Uint8Array | string | AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const { open, rename, unlink, writeFile } = await import('node:fs/promises'); // importing the library stays quick
  const part = `${path}.part`;
  try {
    const file = await open(part, 'w');
    try {
      await writeFile(file, data, signal === undefined ? {} : { signal });
      await file.sync();
    } catch (error) {
      await unlink(part).catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof HistojetError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HistojetError('HISTOJET_IO', `cannot write ${path}: ${reason}`, { cause });
  }
}
