import { ftruncateSync, writeSync } from 'node:fs';
import { ByteWriter } from 'hyparquet-writer';

const chunkBytes = 1 << 20;

/** Bytes that go into an open file whenever a megabyte has come together. */
export class FileWriter extends ByteWriter {
  #file;
  /** Bytes that are in the file. */
  #written = 0;

  /**
   * @param {number} file descriptor
   */
  constructor(file) {
    super(2 * chunkBytes);
    this.#file = file;
  }

  /**
   * @override
   * @param {number} size
   */
  ensure(size) {
    if (this.index >= chunkBytes) this.flush();
    super.ensure(size);
  }

  flush() {
    const bytes = new Uint8Array(this.buffer, 0, this.index);
    for (let at = 0; at < bytes.length; ) {
      at += writeSync(this.#file, bytes, at, bytes.length - at, this.#written + at);
    }
    this.#written += bytes.length;
    this.index = 0;
  }

  /**
   * Forgets what came after `offset`, in the file too. Called after failures, of which the first tells the reason.
   *
   * @param {number} offset
   */
  rewind(offset) {
    this.index = 0;
    this.offset = offset;
    this.#written = offset;
    try {
      ftruncateSync(this.#file, offset);
    } catch {
      // No regular file.
    }
  }

  /** @override */
  finish() {
    this.flush();
  }
}
