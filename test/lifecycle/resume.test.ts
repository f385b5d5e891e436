import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { HistojetError, HoverFast, NucleusList, Slide, synthesizeSlide } from '../../lib/index.js';
import { expectSameBytes, temporaryFolder, tinyWeights } from '../lib/support.js';
import { root } from './programs.js';

const folder = temporaryFolder();
const slide = join(folder, 'slide.tif');

// Two windows beside one another, three below one another; most of the tests look at the first column alone.
const firstColumn = { x: 0, y: 0, width: 1000, height: 3000 };
const oneColumn = ['--region', '0,0,1000,3000', '--threads', '1'];

beforeAll(async () => {
  await synthesizeSlide(slide, { width: 1500, height: 3000, seed: 11, tissue: 0.8 });
});

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly Record<string, unknown>[];
}

interface How {
  /** A signal that the process gets once so many windows are done. */
  readonly kill?: NodeJS.Signals;
  readonly after?: number;
  /** Another slide. */
  readonly of?: string;
}

/** `histojet nuclei` in a process of its own. */
function histojet(args: readonly string[], how: How = {}): Promise<Ended> {
  const { kill, after = 0, of = slide } = how;
  const program = join(root, 'bin', 'histojet.mjs');
  const given = [program, 'nuclei', of, '--precision', 'fast', '--no-tissue', '--progress', 'json', ...args];
  const child = spawn(process.execPath, given, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  let sent = false;
  child.stderr.on('data', (piece: Buffer) => {
    text += piece;
    const done = [...text.matchAll(/"done":(\d+)/g)].map((match) => Number(match[1]));
    if (kill !== undefined && !sent && Math.max(0, ...done) >= after) sent = child.kill(kill);
  });
  return new Promise((resolve) => {
    child.on('close', (code, ended) => {
      const lines = text.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
      resolve({ code, signal: ended, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) });
    });
  });
}

describe('a run that was killed', () => {
  const formats = ['geojson.gz', 'json', 'csv', 'db', 'dcm', 'parquet'];
  const outputs = (name: string) => formats.flatMap((format) => ['-o', join(folder, `${name}.${format}`)]);

  test('ends with the same bytes as an undisturbed one when it is resumed', { timeout: 240_000 }, async () => {
    expect((await histojet(outputs('whole'))).code).toBe(0);
    const args = [...outputs('killed'), '--threads', '1'];
    for (const windows of [1, 3]) {
      const { signal } = await histojet([...args, '--resume'], { kill: 'SIGKILL', after: windows });
      expect(signal).toBe('SIGKILL');
      expect(existsSync(join(folder, 'killed.csv'))).toBe(false);
      expect(await readdir(join(folder, 'killed.geojson.gz.checkpoint'))).toHaveLength(1);
    }
    const { code, lines } = await histojet([...args, '--resume']);
    expect(code).toBe(0);
    const { result } = lines.at(-1) as { result: { windowsRestored: number; nuclei: number } };
    expect(result.windowsRestored).toBeGreaterThanOrEqual(3);
    expect(result.nuclei).toBeGreaterThan(500);
    for (const format of formats) {
      const [killed, whole] = await Promise.all(
        ['killed', 'whole'].map((name) => readFile(join(folder, `${name}.${format}`))),
      );
      expectSameBytes(killed as Buffer, whole as Buffer);
    }
    const left = (await readdir(folder)).filter((name) => /\.(part|checkpoint|lock)/.test(name));
    expect(left).toEqual([]);
  });

  test('begins anew without --resume', { timeout: 120_000 }, async () => {
    const args = ['-o', join(folder, 'anew.csv'), ...oneColumn];
    expect((await histojet(args, { kill: 'SIGKILL', after: 1 })).signal).toBe('SIGKILL');
    const { code, lines } = await histojet(args);
    expect(code).toBe(0);
    expect(lines.at(-1)).toMatchObject({ result: { windowsRestored: 0 } });
    expect(existsSync(join(folder, 'anew.csv.checkpoint'))).toBe(false);
  });

  test('goes on after Ctrl-C, too', { timeout: 120_000 }, async () => {
    const args = ['-o', join(folder, 'stopped.geojson'), '--threads', '1'];
    expect((await histojet(args, { kill: 'SIGINT', after: 2 })).code).toBe(130);
    const part = JSON.parse(await readFile(join(folder, 'stopped.geojson.part'), 'utf8')) as { features: unknown[] };
    expect(part.features.length).toBeGreaterThan(0);
    const { code, lines } = await histojet([...args, '--resume']);
    expect(code).toBe(0);
    const { result } = lines.at(-1) as { result: { windowsRestored: number } };
    expect(result.windowsRestored).toBeGreaterThanOrEqual(2);
  });
});

describe('a run that fails in the middle', () => {
  test('on a tile that cannot be read keeps what it found, and goes on with --tolerant', {
    timeout: 120_000,
  }, async () => {
    const damaged = join(folder, 'damaged.tif');
    const bytes = await readFile(slide);
    // Tiles that the first row of windows does not need.
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 30_000);
    await writeFile(damaged, bytes);
    const args = ['-o', join(folder, 'damaged.geojson'), '--threads', '1'];
    const failed = await histojet(args, { of: damaged });
    expect(failed.code).toBe(3);
    expect(failed.lines.at(-1)).toMatchObject({ error: { code: 'HISTOJET_CORRUPT_FILE' } });
    const part = JSON.parse(await readFile(join(folder, 'damaged.geojson.part'), 'utf8')) as { features: unknown[] };
    expect(part.features.length).toBeGreaterThan(0);
    const { code, lines } = await histojet([...args, '--resume', '--tolerant'], { of: damaged });
    expect(code).toBe(0);
    expect(lines.some(({ warning }) => String(warning).includes('damaged'))).toBe(true);
    const { result } = lines.at(-1) as { result: { windowsRestored: number; nuclei: number } };
    expect(result.windowsRestored).toBeGreaterThan(0);
    expect(result.nuclei).toBeGreaterThan(part.features.length);
  });

  test('because the disk for its notes is full says so and ends with 4', { timeout: 120_000 }, async () => {
    const args = ['-o', join(folder, 'full.csv'), ...oneColumn];
    expect((await histojet(args, { kill: 'SIGKILL', after: 1 })).signal).toBe('SIGKILL');
    const notes = join(folder, 'full.csv.checkpoint');
    const [name] = await readdir(notes);
    await rm(join(notes, String(name)));
    await symlink('/dev/full', join(notes, String(name)));
    const { code, lines } = await histojet([...args, '--resume']);
    expect(code).toBe(4);
    expect(lines.at(-1)).toMatchObject({
      error: { code: 'HISTOJET_IO', message: expect.stringContaining('full.csv.check') },
    });
  });
});

describe('checkpointDir', () => {
  async function all(segmentation: AsyncIterable<NucleusList>): Promise<NucleusList> {
    const batches: NucleusList[] = [];
    for await (const batch of segmentation) batches.push(batch);
    return NucleusList.concat(batches);
  }

  test('serves a loop that was left', { timeout: 120_000 }, async () => {
    await using open = await Slide.open(slide);
    await using model = await HoverFast.load(undefined, { precision: 'fast' });
    const checkpointDir = join(folder, 'notes', 'deeper');
    const options = { tissue: false, checkpointDir, region: firstColumn };
    const whole = await all(model.segmentSlide(open, { ...options, checkpointDir: join(folder, 'other notes') }));
    for await (const _ of model.segmentSlide(open, options)) break;
    const resumed = model.segmentSlide(open, options);
    const nuclei = await all(resumed);
    expect(resumed.progress.windowsRestored).toBeGreaterThan(0);
    expectSameBytes(nuclei.centroids, whole.centroids);
    expectSameBytes(nuclei.contour(nuclei.length - 1), whole.contour(whole.length - 1));
    expect(await readdir(checkpointDir)).toHaveLength(1);
  });

  test('is for one run at a time', async () => {
    await using open = await Slide.open(slide);
    await using model = await HoverFast.load(undefined, { precision: 'fast' });
    const checkpointDir = join(folder, 'shared notes');
    const options = { tissue: false, checkpointDir, region: firstColumn, threads: 1 };
    const start = () => model.segmentSlide(open, options)[Symbol.asyncIterator]();
    const first = start();
    await first.next();
    const error = await start()
      .next()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HistojetError);
    expect(error).toMatchObject({ code: 'HISTOJET_IO', message: expect.stringContaining('another run') });
    await first.return();
    await start().return();
  });

  test('that cannot be written is told before the work', async () => {
    await using open = await Slide.open(slide);
    await using model = await HoverFast.load(tinyWeights);
    mkdirSync(join(folder, 'taken'), { recursive: true });
    for (const [checkpointDir, code] of [
      ['/proc/histojet', 'HISTOJET_IO'],
      [slide, 'HISTOJET_IO'],
    ] as const) {
      const run = model.segmentSlide(open, { checkpointDir })[Symbol.asyncIterator]();
      await expect(run.next()).rejects.toMatchObject({ code });
    }
  });
});

test('maxMemoryBytes that is too low is told with what is needed', async () => {
  await using open = await Slide.open(slide);
  await using model = await HoverFast.load(tinyWeights);
  const run = model.segmentSlide(open, { maxMemoryBytes: 1_000_000 })[Symbol.asyncIterator]();
  await expect(run.next()).rejects.toMatchObject({
    code: 'HISTOJET_OUT_OF_MEMORY',
    message: expect.stringMatching(/at least \d+ MB/),
  });
});
