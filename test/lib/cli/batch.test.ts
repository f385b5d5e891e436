import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../../lib/cli/exit-codes.js';
import type { Summary } from '../../../lib/cli/nuclei/batch-summary.js';
import { summaryText } from '../../../lib/cli/nuclei/batch-summary.js';
import { expandSlides } from '../../../lib/cli/nuclei/slide-inputs.js';
import { synthesizeSlide } from '../../../lib/index.js';
import { FileLock } from '../../../lib/internal/file-lock.js';
import { temporaryFolder, tinyWeights } from '../support.js';
import { caughtOutput } from './caught-output.js';

const folder = temporaryFolder();
const slides = join(folder, 'slides');
let count = 0;
let out = '';

async function run(...args: string[]) {
  const given = ['nuclei', '-m', tinyWeights, '--no-tissue', '--progress', 'json', ...args];
  const { exitCode, stderr } = await caughtOutput(given);
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  return { exitCode, stderr, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const summary = async (): Promise<Summary> => JSON.parse(await readFile(join(out, 'summary.json'), 'utf8')) as Summary;

beforeAll(async () => {
  mkdirSync(join(slides, 'case 2'), { recursive: true });
  await synthesizeSlide(join(slides, 'a.tif'), { width: 400, height: 300, seed: 1, tissue: 0.9 });
  await synthesizeSlide(join(slides, 'case 2', 'b.ome.tif'), { width: 300, height: 300, seed: 2, tissue: 0.9 });
  const whole = await readFile(join(slides, 'a.tif'));
  await writeFile(join(slides, 'cut.svs'), whole.subarray(0, 2000));
  await writeFile(join(slides, 'notes.txt'), 'no slide');
});

beforeEach(() => {
  out = join(folder, `out${count++}`);
});

describe('a batch', () => {
  it('goes on after a slide that fails, tells why, and ends with 2', async () => {
    const { exitCode, stderr } = await run(slides, '-o', out, '--format', 'geojson,csv', '--overlay', '.seen.png');
    expect(exitCode).toBe(2);
    const names = (await readdir(out, { recursive: true })).sort();
    expect(names).toEqual([
      'a.csv',
      'a.geojson',
      'a.seen.png',
      'case 2',
      'case 2/b.csv',
      'case 2/b.geojson',
      'case 2/b.seen.png',
      'summary.json',
      'summary.md',
    ]);
    const { slides: entries, settings } = await summary();
    expect(Object.keys(entries)).toEqual(['a', 'case 2/b', 'cut']);
    expect(entries.a).toMatchObject({ status: 'done', slide: join(slides, 'a.tif'), windows: 1, windowsRestored: 0 });
    expect(entries.cut).toMatchObject({ status: 'failed', error: { code: 'HISTOJET_CORRUPT_FILE' } });
    expect(settings).toMatchObject({ mpp: 0.25, formats: ['geojson', 'csv'], tissue: false });
    const geojson = JSON.parse(await readFile(join(out, 'a.geojson'), 'utf8')) as { features: unknown[] };
    expect(entries.a?.nuclei).toBe(geojson.features.length);
    const text = await readFile(join(out, 'summary.md'), 'utf8');
    expect(text).toContain('2 of 3 slides done, 1 failed');
    expect(text).toContain('- **cut**: ');
    expect(stderr).toContain('cut.svs');
  });

  it('resumes: done slides stay as they are, failed ones are tried again', async () => {
    const own = join(folder, 'again');
    mkdirSync(own);
    await copyFile(join(slides, 'a.tif'), join(own, 'a.tif'));
    await writeFile(join(own, 'b.tif'), 'not yet copied');
    expect((await run(own, '-o', out, '--format', 'csv')).exitCode).toBe(2);
    const before = await stat(join(out, 'a.csv'), { bigint: true });
    await copyFile(join(slides, 'case 2', 'b.ome.tif'), join(own, 'b.tif'));
    expect((await run(own, '-o', out, '--format', 'csv', '--resume')).exitCode).toBe(0);
    const after = await stat(join(out, 'a.csv'), { bigint: true });
    expect(after.mtimeNs).toBe(before.mtimeNs);
    expect((await summary()).slides.b).toMatchObject({ status: 'done' });
    expect(await readFile(join(out, 'summary.md'), 'utf8')).toContain('2 of 2 slides done.');
  });

  it('does not mix results of different settings', async () => {
    expect((await run(slides, '-o', out, '--format', 'csv')).exitCode).toBe(2);
    const { exitCode, stderr } = await run(slides, '-o', out, '--format', 'csv', '--resume', '--mpp', '0.5');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('results of other settings: mpp');
  });

  it('leaves slides alone that another process works on', async () => {
    mkdirSync(out);
    const lock = FileLock.take(join(out, 'a.lock'));
    const { exitCode, stderr } = await run(join(slides, 'a.tif'), join(slides, 'case 2', 'b.ome.tif'), '-o', out);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('another process works on it');
    expect(existsSync(join(out, 'b.geojson.gz'))).toBe(true);
    expect((await readdir(out)).filter((name) => name.startsWith('a.'))).toEqual(['a.lock']);
    lock?.release();
    // What another process finishes after our start is not done twice.
    writeFileSync(join(out, 'a.geojson.gz'), 'made elsewhere');
    const future = new Date(Date.now() + 60_000);
    await utimes(join(out, 'a.geojson.gz'), future, future);
    expect((await run(join(slides, 'a.tif'), join(slides, 'case 2', 'b.ome.tif'), '-o', out)).exitCode).toBe(0);
    expect(await readFile(join(out, 'a.geojson.gz'), 'utf8')).toBe('made elsewhere');
  });

  it('stops as a whole when it cannot write', async () => {
    mkdirSync(out);
    symlinkSync('/dev/full', join(out, 'a.csv.part'));
    const { exitCode } = await run(slides, '-o', out, '--format', 'csv');
    expect(exitCode).toBe(4);
    expect((await summary()).slides).toMatchObject({ a: { status: 'failed', error: { code: 'HISTOJET_IO' } } });
    expect((await summary()).slides['case 2/b']).toBeUndefined();
  });

  it('is interrupted between and inside slides', async () => {
    let done = 0;
    const args = ['nuclei', slides, '-m', tinyWeights, '-o', out, '--no-tissue', '--progress', 'json'];
    const { exitCode, stderr } = await caughtOutput(args, (piece) => {
      if (piece.includes('"result"') && done++ === 0) process.emit('SIGINT');
    });
    expect(exitCode).toBe(130);
    expect(stderr).toContain('ABORTED');
    expect(Object.keys((await summary()).slides)).toEqual(['a']);
  });

  it.each([
    ['two outputs', ['-o', 'x']],
    ['a path as ending', ['--overlay', 'pictures/x.png']],
    ['one format twice', ['--format', 'csv,csv']],
  ])('refuses %s', async (_, args) => {
    expect((await run(slides, '-o', out, ...args)).exitCode).toBe(3);
  });
});

describe('one slide', () => {
  it('gives several files in one pass', async () => {
    mkdirSync(out);
    const [geojson, csv, png] = ['a.geojson', 'a.csv', 'a.png'].map((name) => join(out, name)) as [
      string,
      string,
      string,
    ];
    const { exitCode, lines } = await run(join(slides, 'a.tif'), '-o', geojson, '-o', csv, '--heatmap', png);
    expect(exitCode).toBe(0);
    expect(lines.at(-1)).toMatchObject({ result: { files: [geojson, csv, png] } });
    expect((await readdir(out)).sort()).toEqual(['a.csv', 'a.geojson', 'a.png', 'a.png.json']);
  });

  it.each([
    ['the slide as output', ['-o', join(slides, 'a.tif')]],
    ['the slide as picture', ['-o', join(folder, 'x.csv'), '--overlay', join(slides, 'a.tif')]],
    ['one file for two', ['-o', join(folder, 'x.csv'), '-o', join(folder, 'x.csv')]],
    ['several formats', ['-o', join(folder, 'x.csv'), '--format', 'csv,geojson']],
  ])('refuses %s', async (_, args) => {
    const { exitCode, stderr } = await run(join(slides, 'a.tif'), ...args);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^histojet: .+\n.+\n/);
    expect(existsSync(join(folder, 'x.csv.part'))).toBe(false);
  });

  it('leaves no notes behind when it is done', async () => {
    mkdirSync(out);
    expect((await run(join(slides, 'a.tif'), '-o', join(out, 'a.csv'))).exitCode).toBe(0);
    expect(await readdir(out)).toEqual(['a.csv']);
  });

  it.each(['a.csv', 'a.db', 'a.parquet', 'a.dcm', 'a.geojson.gz'])(
    'is not written by two runs at once: %s',
    async (name) => {
      mkdirSync(out);
      const both = await Promise.all([1, 2].map(() => run(join(slides, 'a.tif'), '-o', join(out, name))));
      expect(both.map(({ exitCode }) => exitCode).sort()).toEqual([0, 4]);
      expect(both.map(({ stderr }) => stderr).join('')).toContain('being written by another run');
      expect(await readdir(out)).toEqual([name]);
    },
  );
});

describe('expandSlides', () => {
  it('takes files, folders with their folders, and patterns, each slide once', async () => {
    const names = async (...given: string[]) => (await expandSlides(given)).slides.map(({ name }) => name);
    expect(await names(slides)).toEqual(['a', 'case 2/b', 'cut']);
    expect(await names(join(slides, '*.tif'), slides)).toEqual(['a', 'case 2/b', 'cut']);
    expect(await names(join(slides, '**', '*.tif'))).toEqual(['a', 'b']);
    expect((await expandSlides([join(slides, 'a.tif')])).many).toBe(false);
    expect((await expandSlides([join(slides, 'a.t*')])).many).toBe(true);
    expect((await expandSlides(['https://example.org/a[1].svs'])).slides).toEqual([
      { path: 'https://example.org/a[1].svs', name: 'a[1]' },
    ]);
  });

  it('knows folders that are slides', async () => {
    const study = join(folder, 'study');
    mkdirSync(join(study, 'dicom'), { recursive: true });
    mkdirSync(join(study, 'image.ome.zarr', '0'), { recursive: true });
    writeFileSync(join(study, 'dicom', '1.dcm'), '');
    writeFileSync(join(study, '.hidden.svs'), '');
    symlinkSync('..', join(study, 'up'));
    expect((await expandSlides([study])).slides.map(({ name }) => name)).toEqual(['dicom', 'image']);
    expect(await expandSlides([join(study, 'dicom')])).toMatchObject({ many: false, slides: [{ name: 'dicom' }] });
    await rm(study, { recursive: true });
  });

  it('refuses what names nothing, or two slides alike', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    await expect(expandSlides([empty])).rejects.toThrow(UsageError);
    await expect(expandSlides([join(empty, '*.svs')])).rejects.toThrow('no file fits');
    await copyFile(join(slides, 'a.tif'), join(empty, 'a.svs'));
    await expect(expandSlides([join(slides, 'a.tif'), join(empty, 'a.svs')])).rejects.toThrow('would both be written');
  });
});

it('writes a summary that holds whatever names and messages hold', () => {
  const text = summaryText({
    software: 'histojet',
    version: '1.0.0',
    settings: { mpp: 0.25 },
    slides: {
      'a|b': { slide: 'a|b.svs', status: 'done', nuclei: 1234, seconds: 61, warnings: ['one\ntwo'] },
      c: { slide: 'c.svs', status: 'interrupted' },
    },
  });
  expect(text).toContain('1 of 2 slides done, 1 interrupted. 1,234 nuclei in 1:01.');
  expect(text).toContain('| a\\|b | done | 1,234 | 1:01 | one two |');
});
