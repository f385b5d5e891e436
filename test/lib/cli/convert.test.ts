import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePng, Slide, synthesizeSlide } from '../../../lib/index.js';
import { expectSameBytes, pattern, smallSlide, temporaryFolder } from '../support.js';
import { caughtOutput } from './caught-output.js';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const small = smallSlide(folder);

const run = (args: readonly string[], onStderr?: (piece: string) => void) =>
  caughtOutput(['convert', ...args], onStderr);

describe('histojet convert', () => {
  it('copies a part of a slide and tells its progress by machine', async () => {
    const { path } = await small;
    const output = inFolder('part.ome.tif');
    const options = ['--compression', 'zstd', '--tile-size', '128', '--region', '100,50,600,200', '--no-pyramid'];
    const { exitCode, stdout, stderr } = await run([path, output, ...options, '--progress', 'json']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-2)).toMatchObject({ stage: 'write', done: 10, total: 10 });
    expect(lines.at(-1)).toMatchObject({ result: { path: output, width: 600, height: 200 } });
    await using source = await Slide.open(path);
    await using copy = await Slide.open(output);
    expect(copy.levels).toMatchObject([{ tileWidth: 128, tileHeight: 128 }]);
    const before = await source.readRegion({ x: 100, y: 50, width: 600, height: 200 });
    expectSameBytes((await copy.readRegion({ x: 0, y: 0, width: 600, height: 200 })).data, before.data);
  });

  it('resamples to --mpp, and records it for a picture without resolution', async () => {
    const { path } = await small;
    expect((await run([path, inFolder('half.tif'), '--mpp', '0.5', '--quality', '90'])).exitCode).toBe(0);
    await using half = await Slide.open(inFolder('half.tif'));
    expect([half.width, half.height, half.mpp?.x]).toEqual([520, 165, 0.5]);
    await writeFile(inFolder('picture.png'), await encodePng(pattern(40, 30)));
    expect((await run([inFolder('picture.png'), inFolder('picture.tif'), '--mpp', '0.5'])).exitCode).toBe(0);
    await using picture = await Slide.open(inFolder('picture.tif'));
    expect([picture.width, picture.height, picture.mpp?.x]).toEqual([40, 30, 0.5]);
  });

  it('ends with 3 on what makes no sense and with 4 where it cannot write', async () => {
    const { path } = await small;
    const output = inFolder('never.tif');
    for (const [args, message] of [
      [[], 'SLIDE is missing'],
      [[path], 'OUT.tif is missing'],
      [[path, output, 'more.tif'], 'more.tif'],
      [[path, inFolder('never.svs')], 'does not end in .tif'],
      [[path, path], 'the slide itself'],
      [[path, output, '--tile-size', '100'], 'multiple of 16'],
      [[path, output, '--compression', 'lzw'], '--compression'],
      [[path, output, '--region', '9000,0,10,10'], 'outside the slide'],
      [[inFolder('missing.svs'), output], 'missing.svs'],
    ] as const) {
      const { exitCode, stderr } = await run(args);
      expect(stderr).toContain(message);
      expect(stderr).toMatch(/^histojet: .+\n.+\n$/);
      expect(exitCode).toBe(3);
    }
    const { exitCode, stderr } = await run([path, inFolder('no-folder/x.tif')]);
    expect(stderr).toContain('no-folder');
    expect(exitCode).toBe(4);
    expect(existsSync(output) || existsSync(`${output}.part`)).toBe(false);
  });

  it('leaves nothing when it is interrupted', async () => {
    const big = inFolder('big.tif');
    await synthesizeSlide(big, { width: 3000, height: 3000, seed: 2, tissue: 0.02 });
    const output = inFolder('stopped.tif');
    let interrupted = false;
    const { exitCode, stderr } = await run([big, output, '--compression', 'deflate', '--progress', 'json'], (text) => {
      if (interrupted || !text.includes('"stage"')) return;
      interrupted = true;
      process.emit('SIGINT');
    });
    expect(exitCode).toBe(130);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'ABORTED' } });
    expect(existsSync(output) || existsSync(`${output}.part`)).toBe(false);
  });
});
