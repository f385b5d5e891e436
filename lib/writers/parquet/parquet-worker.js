// The thread that encodes Parquet: a row group takes it a good part of a second. Plain JavaScript, like what it imports,
// because Node loads a Worker's files itself and cannot read TypeScript.
import { parentPort, workerData } from 'node:worker_threads';
import { ParquetFile } from './parquet-file.js';

/**
 * What the thread is asked to do; it answers each request with one {@link Reply}.
 *
 * @typedef {{ kind: 'open' }
 *   | { kind: 'append', rows: number, bytes: ArrayBuffer, classes: string, measurements: string[] }
 *   | { kind: 'finish' }
 *   | { kind: 'abandon' }} Request
 */

/**
 * An error with the fields that messages between threads would lose.
 *
 * @typedef {object} Failure
 * @property {string} name
 * @property {string} message
 * @property {string | undefined} code
 * @property {number | undefined} errno
 * @property {string | undefined} syscall
 * @property {string | undefined} stack
 */

/**
 * @typedef {{ failure?: Failure }} Reply
 */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** @type {ParquetFile | undefined} */
let file;

/**
 * @param {Request} request
 */
function handle(request) {
  if (request.kind === 'open') file = new ParquetFile(workerData);
  else if (request.kind === 'append') file?.append(request);
  else if (request.kind === 'finish') file?.finish();
  else file?.abandon();
}

/**
 * @param {unknown} error
 * @returns {Failure}
 */
function describe(error) {
  const known = error instanceof Error ? error : new Error(String(error));
  const { name, message, stack } = known;
  const { code, errno, syscall } = /** @type {NodeJS.ErrnoException} */ (known);
  return { name, message, code, errno, syscall, stack };
}

port.on('message', (/** @type {Request} */ request) => {
  /** @type {Reply} */
  let reply = {};
  try {
    handle(request);
  } catch (error) {
    reply = { failure: describe(error) };
  }
  port.postMessage(reply);
});
