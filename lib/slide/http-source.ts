import { rememberCause } from '../internal/remote-causes.js';
import { native, type RemoteHandle } from '../native.js';
import { HttpFile, type HttpOptions } from './http-file.js';

/** Whether `path` is an address rather than a file. */
export function isAddress(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** A file over HTTP that native code can read: it asks for ranges, and this side fetches them. */
export interface HttpSource {
  readonly url: string;
  readonly handle: RemoteHandle;
}

/**
 * @throws HistojetError HISTOJET_IO; TypeError, RangeError; the reason of `signal`
 */
export async function openHttpSource(
  address: string,
  options: HttpOptions,
  signal: AbortSignal | undefined,
): Promise<HttpSource> {
  const { file, head } = await HttpFile.open(address, options, signal);
  const running = new Map<number, AbortController>();

  async function answer(id: number, offset: number, length: number): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      await file.read(offset, length, controller.signal, (bytes) => native.remoteDeliver(handle, id, bytes));
    } catch (error) {
      if (controller.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      rememberCause(message, error instanceof Error ? error.cause : undefined);
      native.remoteFail(handle, id, message);
    } finally {
      running.delete(id);
    }
  }

  const handle = native.remoteOpen(file.name, file.size, head, (what, id, offset, length) => {
    if (what === 'fetch') {
      answer(id, offset, length).catch(() => {}); // the file was closed: nobody waits for the failure
    } else if (what === 'cancel') {
      running.get(id)?.abort();
    } else {
      for (const controller of running.values()) controller.abort();
    }
  });
  return { url: file.url, handle };
}
