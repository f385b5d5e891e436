import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Interruption } from '../../../lib/cli/exit-codes.js';
import { type SignalSource, withInterruption } from '../../../lib/cli/interruption.js';

class FakeProcess extends EventEmitter implements SignalSource {
  exitCode: number | undefined;
  exit(code: number): never {
    this.exitCode = code;
    throw new Error('exit');
  }
}

describe('withInterruption', () => {
  it('aborts at the first signal and ends the process at the second', async () => {
    const source = new FakeProcess();
    await withInterruption(async (signal) => {
      source.emit('SIGINT');
      expect(signal.aborted).toBe(true);
      expect(signal.reason).toBeInstanceOf(Interruption);
      expect((signal.reason as Interruption).signal).toBe('SIGINT');
      expect(source.exitCode).toBeUndefined();
      expect(() => source.emit('SIGINT')).toThrow('exit');
      expect(source.exitCode).toBe(130);
    }, source);
  });

  it('knows SIGTERM', async () => {
    const source = new FakeProcess();
    await withInterruption(async (signal) => {
      source.emit('SIGTERM');
      expect((signal.reason as Interruption).signal).toBe('SIGTERM');
      expect(() => source.emit('SIGTERM')).toThrow('exit');
      expect(source.exitCode).toBe(143);
    }, source);
  });

  it('stops listening when the work is done or has failed', async () => {
    const source = new FakeProcess();
    expect(await withInterruption(async () => 5, source)).toBe(5);
    await expect(withInterruption(() => Promise.reject(new Error('no')), source)).rejects.toThrow('no');
    expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0);
  });
});
