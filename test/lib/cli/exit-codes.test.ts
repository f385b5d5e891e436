import { describe, expect, it } from 'vitest';
import { failureOf, Interruption, OutputError, UsageError, writing } from '../../../lib/cli/exit-codes.js';
import { errorCodes, HistojetError, rangeError } from '../../../lib/errors.js';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: refused, open 'x'`), { code, syscall: 'open' });
}

describe('failureOf', () => {
  it.each([
    ['HISTOJET_INVALID_ARGUMENT', 3],
    ['HISTOJET_SHAPE_MISMATCH', 3],
    ['HISTOJET_UNSUPPORTED_FORMAT', 3],
    ['HISTOJET_CORRUPT_FILE', 3],
    ['HISTOJET_IO', 3],
    ['HISTOJET_MISSING_WEIGHT', 3],
    ['HISTOJET_DEVICE_UNAVAILABLE', 3],
    ['HISTOJET_OUT_OF_MEMORY', 1],
    ['HISTOJET_DISPOSED', 1],
    ['HISTOJET_INTERNAL', 1],
  ] as const)('%s ends with %i', (code, exitCode) => {
    expect(failureOf(new HistojetError(code, 'what'))).toMatchObject({ exitCode, code, message: 'what' });
  });

  it('has a hint for every code', () => {
    for (const code of errorCodes) expect(failureOf(new HistojetError(code, 'x')).hint).not.toBe('');
  });

  it('tells failures of writing from failures of reading', () => {
    expect(failureOf(new OutputError(new HistojetError('HISTOJET_IO', 'no space'))).exitCode).toBe(4);
    expect(failureOf(new OutputError(systemError('EACCES'))).exitCode).toBe(4);
    expect(failureOf(systemError('ENOENT')).exitCode).toBe(3);
    const format = new OutputError(new HistojetError('HISTOJET_INVALID_ARGUMENT', 'unknown output format'));
    expect(failureOf(format).exitCode).toBe(3);
  });

  it('knows wrong arguments, interruptions and defects', () => {
    expect(failureOf(new UsageError('bad', 'do this'))).toEqual({
      exitCode: 3,
      code: 'HISTOJET_INVALID_ARGUMENT',
      message: 'bad',
      hint: 'do this',
    });
    expect(failureOf(rangeError('mpp: expected …')).exitCode).toBe(3);
    expect(failureOf(new Interruption('SIGINT'))).toMatchObject({ exitCode: 130, code: 'ABORTED' });
    expect(failureOf(new Interruption('SIGTERM')).exitCode).toBe(143);
    expect(failureOf(new TypeError('x is undefined'))).toMatchObject({ exitCode: 1, code: 'HISTOJET_INTERNAL' });
    expect(failureOf('a string').exitCode).toBe(1);
  });

  it('keeps the message to one line; the rest is the hint', () => {
    const failure = failureOf(new HistojetError('HISTOJET_IO', 'cannot load\nLooked in a\nReason: b'));
    expect(failure.message).toBe('cannot load');
    expect(failure.hint).toBe('Looked in a\nReason: b');
  });
});

describe('writing', () => {
  it('marks failures as those of the output and lets results and interruptions through', async () => {
    expect(await writing(async () => 7)).toBe(7);
    await expect(writing(() => Promise.reject(systemError('ENOSPC')))).rejects.toBeInstanceOf(OutputError);
    await expect(writing(() => Promise.reject(new Interruption('SIGINT')))).rejects.toBeInstanceOf(Interruption);
  });
});
