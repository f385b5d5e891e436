import { callNative } from '../internal/call.js';
import { type NativeWriterOptions, type NucleiHandle, native, type WriterHandle } from '../native.js';

/** What a {@link NucleusWriter} writes with. Its calls come one at a time; none follows {@link WriterBackend.release}. */
export interface WriterBackend {
  /** Appends nuclei. @returns how many are written in all */
  write(nuclei: NucleiHandle): Promise<number>;
  /** Completes the document and gives it its name. */
  finish(): Promise<void>;
  /** Lets go of the file; one that is not finished stays as a readable `.part`. Also after a failure. */
  release(): Promise<void>;
}

/** The formats that the core writes. */
class NativeBackend implements WriterBackend {
  readonly #handle: WriterHandle;

  constructor(handle: WriterHandle) {
    this.#handle = handle;
  }

  write(nuclei: NucleiHandle): Promise<number> {
    return callNative(undefined, () => native.writerWrite(this.#handle, nuclei));
  }

  finish(): Promise<void> {
    return callNative(undefined, () => native.writerFinish(this.#handle));
  }

  async release(): Promise<void> {
    native.writerClose(this.#handle);
  }
}

/** Opens a file in a format of the core. @throws {@link HistojetError} */
export async function openNative(
  options: NativeWriterOptions,
  signal: AbortSignal | undefined,
): Promise<WriterBackend> {
  return new NativeBackend(await callNative(signal, (cancel) => native.writerOpen(options, cancel)));
}
