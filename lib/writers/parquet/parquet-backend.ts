import { Worker } from 'node:worker_threads';
import { HistojetError, type HistojetErrorCode } from '../../errors.js';
import { onAbort } from '../../internal/abort.js';
import { callNative, callSync } from '../../internal/call.js';
import { FileLock } from '../../internal/file-lock.js';
import { version } from '../../internal/system-info.js';
import { type ColumnsHandle, type NativeWriterOptions, type NucleiHandle, native } from '../../native.js';
import type { WriterBackend } from '../writer-backend.js';
import type { Failure, Reply, Request } from './parquet-worker.js';

/** The advice of the core for failed system calls (native/base/error.cpp). */
const advice: Readonly<Record<string, string>> = {
  ENOSPC: ' (free some space or choose another folder, then run again)',
  EDQUOT: ' (free some space or choose another folder, then run again)',
  EACCES: ' (choose a place where you may write, or change the permissions)',
  EPERM: ' (choose a place where you may write, or change the permissions)',
  EROFS: ' (choose a place where you may write, or change the permissions)',
  ENOENT: ' (check the path)',
};

/** The thread's failure as users see it; its own error is the cause. */
function errorOf(path: string, failure: Failure): HistojetError {
  const { name, message, code, errno, syscall, stack } = failure;
  const cause = Object.assign(new Error(message), { name, code, errno, syscall, stack });
  const memory = code === 'ERR_WORKER_OUT_OF_MEMORY' || /allocation failed|invalid array length/i.test(message);
  const system = code !== undefined && /^E[A-Z0-9]+$/.test(code);
  const kind: HistojetErrorCode = system ? 'HISTOJET_IO' : memory ? 'HISTOJET_OUT_OF_MEMORY' : 'HISTOJET_INTERNAL';
  return new HistojetError(kind, `cannot write ${path}: ${message}${advice[code ?? ''] ?? ''}`, { cause });
}

/** A thread that answers requests one by one. It keeps the process alive only while it owes an answer. */
class ParquetThread {
  readonly #path: string;
  readonly #worker: Worker;
  #waiting: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #end: HistojetError | undefined;

  constructor(path: string, options: Readonly<Record<string, unknown>>) {
    this.#path = path;
    // Options such as --input-type, which the process may have got, do not suit a file.
    this.#worker = new Worker(new URL('./parquet-worker.js', import.meta.url), { workerData: options, execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', ({ failure }: Reply) => this.#settle(failure && errorOf(path, failure)));
    this.#worker.on('error', (error: unknown) => this.#die(error));
    this.#worker.on('exit', () => this.#die(new Error('the thread that writes it has ended')));
  }

  /** Sends a request, giving away the memory in `transfer`; resolves with the answer. */
  ask(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.ref();
      this.#worker.postMessage(request, transfer);
    });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(error: HistojetError | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#worker.unref();
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(error);
  }

  #die(error: unknown): void {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const { code, errno, syscall } = error as NodeJS.ErrnoException;
    this.#end ??= errorOf(this.#path, { name, message, code, errno, syscall, stack });
    this.#settle(this.#end);
  }
}

/** Parquet: the core makes columns out of nuclei, a thread makes a file out of columns. */
class ParquetBackend implements WriterBackend {
  readonly #columns: ColumnsHandle;
  readonly #thread: ParquetThread;
  readonly #lock: FileLock;
  #count = 0;

  constructor(columns: ColumnsHandle, thread: ParquetThread, lock: FileLock) {
    this.#columns = columns;
    this.#thread = thread;
    this.#lock = lock;
  }

  /** One slice is being encoded while the thread has the one before: two of a megabyte at most. */
  async write(nuclei: NucleiHandle): Promise<number> {
    const { length } = native.nucleiInfo(nuclei);
    let taken: Promise<void> = Promise.resolve();
    for (let first = 0; first < length; ) {
      const next = first;
      const { rows, bytes, classes, measurements, ...slice } = await callNative(undefined, () =>
        native.columnsEncode(this.#columns, nuclei, next),
      );
      first = slice.next;
      await taken;
      if (rows === 0) continue;
      taken = this.#thread.ask({ kind: 'append', rows, bytes, classes, measurements }, [bytes]);
      taken.catch(() => {}); // awaited above or below
      this.#count += rows;
    }
    await taken;
    return this.#count;
  }

  async finish(): Promise<void> {
    await this.#thread.ask({ kind: 'finish' });
  }

  async release(): Promise<void> {
    native.columnsClose(this.#columns);
    try {
      await this.#thread.ask({ kind: 'abandon' });
    } finally {
      await this.#thread.terminate();
      this.#lock.leave();
    }
  }
}

/** Keeps other runs from writing the same file; the core does that for the formats that it writes. */
function lockPart(path: string): FileLock {
  const part = `${path}.part`;
  const lock = FileLock.take(part);
  if (lock !== null) return lock;
  throw new HistojetError(
    'HISTOJET_IO',
    `cannot write ${part}: it is being written by another run; wait for that one or choose another name`,
  );
}

async function open(
  { path }: NativeWriterOptions,
  columns: ColumnsHandle,
  signal: AbortSignal | undefined,
): Promise<WriterBackend> {
  const { provenance, classes, metric } = callSync(() => native.columnsInfo(columns));
  const areaName = metric ? 'area_um2' : 'area_px2';
  const lock = lockPart(path);
  const thread = new ParquetThread(path, { path, areaName, provenance, classes, createdBy: `histojet ${version}` });
  let forget = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    if (signal !== undefined) forget = onAbort(signal, () => reject(signal.reason));
  });
  try {
    await Promise.race([thread.ask({ kind: 'open' }), aborted]);
    return new ParquetBackend(columns, thread, lock);
  } catch (error) {
    await thread.terminate();
    lock.release();
    throw error;
  } finally {
    forget();
  }
}

/** Opens a Parquet file. @throws {@link HistojetError} */
export async function openParquet(
  options: NativeWriterOptions,
  signal: AbortSignal | undefined,
): Promise<WriterBackend> {
  const columns = await callNative(signal, (cancel) => native.columnsOpen(options, cancel));
  try {
    signal?.throwIfAborted();
    return await open(options, columns, signal);
  } catch (error) {
    native.columnsClose(columns);
    throw error;
  }
}
