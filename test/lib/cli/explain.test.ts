import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { synthesizeSlide } from '../../../lib/index.js';
import { temporaryFolder } from '../support.js';
import { caughtOutput } from './caught-output.js';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const slide = inFolder('grade-2.tif');
const made = synthesizeSlide(slide, { width: 2048, height: 2048, seed: 5001, mpp: 0.25, grade: 2 });

async function run(...args: readonly string[]) {
  await made;
  return caughtOutput(args);
}

describe('histojet explain', () => {
  it('covers squares with --method occlusion', async () => {
    const outputs = ['occlusion.png', 'occlusion.values.ome.tif'].map(inFolder);
    const args = ['explain', slide, ...outputs.flatMap((path) => ['-o', path]), '--method', 'occlusion'];
    const { exitCode, stdout } = await run(...args, '--evaluations', '30', '--json');
    expect(exitCode).toBe(0);
    const record = JSON.parse(stdout) as { evaluations: number };
    expect(record).toMatchObject({ method: 'occlusion', label: 'grade 2', target: 1, squarePx: 16, files: outputs });
    expect(record.evaluations).toBeLessThanOrEqual(30);
    for (const path of outputs) expect(existsSync(path) && existsSync(`${path}.json`)).toBe(true);
  });

  it('holds the map against random orders with --check', async () => {
    const args = ['explain', slide, '-o', inFolder('heat.png'), '--token-px', '16', '--check', '--random', '2'];
    const { exitCode, stdout } = await run(...args);
    expect(exitCode).toBe(0);
    const number = '-?\\d+\\.\\d{3}';
    const line = (name: string) =>
      new RegExp(`^ {2}${name} +${number} +${number} +\\(${number} to ${number}\\) +better than random$`, 'm');
    expect(stdout).toMatch(/256 squares of 16 px/);
    expect(stdout).toMatch(line('deletion'));
    expect(stdout).toMatch(line('insertion'));
    const json = await run(...args, '--region', '0,0,1024,1024', '--seed', '4', '--json');
    const { check } = JSON.parse(json.stdout) as { check: { random: { seed: number }[]; deletion: object } };
    expect(check.random.map(({ seed }) => seed)).toEqual([4, 5]);
    expect(check.deletion).toMatchObject({ share: expect.arrayContaining([0, 0.5, 1]), area: expect.any(Number) });
  });

  it('refuses options that belong to something else', async () => {
    const explain = (...args: readonly string[]) => run('explain', slide, '-o', inFolder('x.png'), ...args);
    for (const [args, message] of [
      [['--method', 'guess'], /rollout, occlusion/],
      [['--square-px', '8'], /--token-px/],
      [['--evaluations', '9'], /--method occlusion/],
      [['--method', 'occlusion', '--token-px', '8'], /--square-px/],
      [['--method', 'occlusion', '--part', 'local'], /--method rollout/],
      [['--method', 'occlusion', '--target', 'features'], /--method rollout/],
      [['--random', '2'], /--check/],
      [['--seed', '2'], /--check/],
    ] as const) {
      const { exitCode, stderr } = await explain(...args);
      expect({ args, exitCode }).toEqual({ args, exitCode: 3 });
      expect(stderr).toMatch(message);
    }
    expect(existsSync(inFolder('x.png'))).toBe(false);
  });
});
