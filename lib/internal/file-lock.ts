import { type LockHandle, native } from '../native.js';
import { callSync } from './call.js';

/**
 * A file that says that somebody works on something. The lock ends with the process, however that ends; on file systems
 * without locks everybody gets it.
 */
export class FileLock {
  readonly #handle: LockHandle;

  private constructor(handle: LockHandle) {
    this.#handle = handle;
  }

  /**
   * Takes the lock.
   *
   * @returns null when another run has it
   * @throws {@link HistojetError} `HISTOJET_IO`
   */
  static take(path: string): FileLock | null {
    const handle = callSync(() => native.lockFile(path));
    return handle === null ? null : new FileLock(handle);
  }

  /** Deletes the file and gives the lock free. */
  release(): void {
    callSync(() => native.unlockFile(this.#handle, true));
  }

  /** Gives the lock free and leaves the file, which is more than a lock. */
  leave(): void {
    callSync(() => native.unlockFile(this.#handle, false));
  }
}
