import type { HistojetErrorCode } from '../errors.js';

/** What the process returns; the numbers are part of the public interface. */
export const exitCodes = {
  ok: 0,
  /** A defect of this program, or no memory. */
  internal: 1,
  /** Some of several slides failed. */
  someFailed: 2,
  /** Bad input or arguments. */
  input: 3,
  /** Could not write. */
  output: 4,
  /** Ended by Ctrl-C. */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const;

/** Arguments that make no sense; the hint says what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** The output could not be written; `cause` is the failure. */
export class OutputError extends Error {
  override readonly name = 'OutputError';

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
  }
}

/** The reason that an interrupted run is aborted with. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly signal: 'SIGINT' | 'SIGTERM';

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('interrupted');
    this.signal = signal;
  }
}

/** A failure as the command line tells it. */
export interface Failure {
  readonly exitCode: number;
  /** For programs: a code of HistojetError, `'HISTOJET_INVALID_ARGUMENT'` for arguments, `'ABORTED'`. */
  readonly code: HistojetErrorCode | 'ABORTED';
  /** One line. */
  readonly message: string;
  /** What to do about it; may hold several lines. */
  readonly hint: string;
}

const arguments_ = 'run `histojet help` for the commands and their options';

const hints: Readonly<Record<HistojetErrorCode, string>> = {
  HISTOJET_INVALID_ARGUMENT: arguments_,
  HISTOJET_SHAPE_MISMATCH:
    'the weights are not those of a network that this command runs; leave out -m for the packaged ones',
  HISTOJET_UNSUPPORTED_FORMAT:
    'docs/formats.md lists what is read; `vips tiffsave IN OUT.tif --tile --pyramid` converts many other formats',
  HISTOJET_CORRUPT_FILE: 'the file is damaged or cut off: copy it again; --tolerant reads around damaged tiles',
  HISTOJET_IO: 'check the path and that you may read it',
  HISTOJET_MISSING_WEIGHT:
    'the weights are not those of a network that this command runs; leave out -m for the packaged ones',
  HISTOJET_DEVICE_UNAVAILABLE: 'use --device cpu, which is the default',
  HISTOJET_OUT_OF_MEMORY: 'use fewer --threads, --precision fast or a smaller --tile-size; or raise --max-memory',
  HISTOJET_DISPOSED: 'this is a defect of histojet: please report it with the command that you ran',
  HISTOJET_INTERNAL: 'this is a defect of histojet: please report it with the command that you ran',
};

const outputHint = 'check that the folder exists, that you may write there and that the disk has space';

/** The first line of an error's message; whatever follows belongs into the hint. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0]?.trim() || 'unknown failure';
}

function furtherLines(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  return text.split('\n').slice(1).join('\n').trim();
}

function codeOf(error: unknown): HistojetErrorCode {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (Object.hasOwn(hints, code)) return code as HistojetErrorCode;
  // Errors of the system (ENOENT, EACCES, …) carry the call that failed.
  return error instanceof Error && 'syscall' in error ? 'HISTOJET_IO' : 'HISTOJET_INTERNAL';
}

/** What a failure means to the person and the shell. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Interruption) {
    const exitCode = error.signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
    return { exitCode, code: 'ABORTED', message: error.message, hint: '' };
  }
  if (error instanceof UsageError) {
    const hint = error.hint ?? arguments_;
    return { exitCode: exitCodes.input, code: 'HISTOJET_INVALID_ARGUMENT', message: error.message, hint };
  }
  if (error instanceof OutputError) {
    const code = codeOf(error.cause);
    if (code === 'HISTOJET_IO') return { exitCode: exitCodes.output, code, message: error.message, hint: outputHint };
    return failureOf(error.cause);
  }
  const code = codeOf(error);
  const defect = code === 'HISTOJET_INTERNAL' || code === 'HISTOJET_DISPOSED' || code === 'HISTOJET_OUT_OF_MEMORY';
  return {
    exitCode: defect ? exitCodes.internal : exitCodes.input,
    code,
    message: messageOf(error),
    hint: furtherLines(error) || hints[code],
  };
}

/** Runs a step that writes: its failures become {@link OutputError}. Interruptions stay what they are. */
export async function writing<Result>(step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    throw error instanceof Interruption ? error : new OutputError(error);
  }
}
