import { describe, expect, it } from 'vitest';
import { caughtOutput } from './caught-output.js';

const run = (...args: string[]) => caughtOutput(args);

describe('main', () => {
  it('helps', async () => {
    for (const args of [[], ['help'], ['--help'], ['-h']]) {
      const { exitCode, stdout, stderr } = await run(...args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      for (const command of ['info', 'nuclei', 'convert', 'evaluate', 'demo', 'doctor'])
        expect(stdout).toContain(command);
    }
    const { stdout } = await run('help', 'nuclei');
    expect(stdout).toContain('--min-area-um2');
    expect((await run('nuclei', '--help')).stdout).toBe(stdout);
    expect((await run('help', 'nonsense')).exitCode).toBe(3);
  });

  it('tells its version', async () => {
    const { exitCode, stdout } = await run('--version');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });

  it('refuses unknown commands with one line and a hint', async () => {
    const { exitCode, stdout, stderr } = await run('frobnicate');
    expect(exitCode).toBe(3);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      'histojet: unknown command frobnicate\nknown are info, nuclei, classify, explain, convert, evaluate, demo, doctor, help\n',
    );
  });

  it('tells errors by machine too when progress is JSON', async () => {
    for (const args of [['--progress', 'json'], ['--progress=json']]) {
      const { exitCode, stderr } = await run('nuclei', ...args);
      expect(exitCode).toBe(3);
      const lines = stderr.trim().split('\n');
      expect(lines[0]).toMatch(/^histojet: /);
      expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
        error: { code: 'HISTOJET_INVALID_ARGUMENT', message: 'nuclei: SLIDE is missing' },
      });
    }
  });
});
