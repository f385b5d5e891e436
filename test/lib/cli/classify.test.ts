import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { synthesizeSlide } from '../../../lib/index.js';
import { temporaryFolder } from '../support.js';
import { caughtOutput } from './caught-output.js';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const made = Promise.all(
  ([0, 2] as const).map((grade) =>
    synthesizeSlide(inFolder(`grade-${grade}.tif`), { width: 2048, height: 2048, seed: 5001, mpp: 0.25, grade }),
  ),
);

async function run(...args: readonly string[]) {
  await made;
  return caughtOutput(args);
}

describe('histojet classify', () => {
  it('says the grade of each slide, and all there is to know in a file', async () => {
    const [low, high] = [inFolder('grade-0.tif'), inFolder('grade-2.tif')];
    const { exitCode, stdout } = await run('classify', low, high, '-o', inFolder('grades.json'));
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/grade-0\.tif: grade 0 \(\d+\.\d %; grade 1 \d+\.\d %, grade 2 \d+\.\d %\)$/);
    expect(stdout.split('\n')[1]).toMatch(/grade-2\.tif: grade 2 /);
    const file = JSON.parse(readFileSync(inFolder('grades.json'), 'utf8')) as { slides: unknown[] };
    expect(file).toMatchObject({ model: { name: 'pixel-mamba/1' }, slides: [{ classIndex: 0 }, { classIndex: 2 }] });
  });

  it('goes on after a slide that fails', async () => {
    await writeFile(inFolder('broken.tif'), 'nothing');
    const { exitCode, stdout, stderr } = await run(
      'classify',
      inFolder('broken.tif'),
      inFolder('grade-2.tif'),
      '--json',
    );
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/broken\.tif/);
    expect(JSON.parse(stdout)).toMatchObject({ label: 'grade 2', head: 'ordinal' });
  });

  it('refuses what makes no sense', async () => {
    const slide = inFolder('grade-2.tif');
    expect(await run('classify')).toMatchObject({ exitCode: 3 });
    expect(await run('classify', inFolder('missing.tif'))).toMatchObject({ exitCode: 3 });
    expect(await run('classify', slide, '-o', 'out.csv')).toMatchObject({ exitCode: 3 });
    expect(await run('classify', slide, '--tissue', '--no-tissue')).toMatchObject({ exitCode: 3 });
    expect(await run('classify', slide, '--region', '9000,0,10,10')).toMatchObject({ exitCode: 3 });
    expect(await run('classify', slide, '-o', inFolder('no/such/folder.json'))).toMatchObject({ exitCode: 4 });
  });
});

describe('histojet explain', () => {
  it('writes a heat map over the slide and one that lies on it', async () => {
    const outputs = ['heat.png', 'heat.tif'].map(inFolder);
    const slide = inFolder('grade-2.tif');
    const { exitCode, stdout } = await run(
      'explain',
      slide,
      ...outputs.flatMap((path) => ['-o', path]),
      '--token-px',
      '16',
      '--json',
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ label: 'grade 2', target: 1, tokenPx: 16, files: outputs });
    for (const path of outputs) expect(existsSync(path) && existsSync(`${path}.json`)).toBe(true);
  });

  it('refuses what makes no sense', async () => {
    const slide = inFolder('grade-2.tif');
    expect(await run('explain', slide)).toMatchObject({ exitCode: 3 });
    expect(await run('explain', slide, '-o', 'heat.gif')).toMatchObject({ exitCode: 3 });
    expect(await run('explain', slide, '-o', slide)).toMatchObject({ exitCode: 3 });
    expect(await run('explain', slide, '-o', 'a.png', '-o', 'a.png')).toMatchObject({ exitCode: 3 });
    expect(await run('explain', slide, '-o', inFolder('x.png'), '--target', '9')).toMatchObject({ exitCode: 3 });
  });
});
