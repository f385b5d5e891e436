import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng, synthesizeSlide } from '../../../lib/index.js';
import { caughtOutput } from './caught-output.js';

let folder = '';
let slide = '';
const inFolder = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'histojet-cli-'));
  slide = inFolder('slide.tif');
  await synthesizeSlide(slide, { width: 1700, height: 600, seed: 3, tissue: 0.9 });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('histojet info', () => {
  it('prints one JSON object', async () => {
    const { exitCode, stdout, stderr } = await caughtOutput(['info', slide, '--json']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({ path: slide, width: 1700, height: 600, warnings: [] });
    expect(report.mpp).toMatchObject({ x: 0.25, y: 0.25 });
    expect(Object.keys(report)).toHaveLength(11);
  });

  it('prints a text for people', async () => {
    expect((await caughtOutput(['info', slide])).stdout).toContain('1,700 x 600 px, 0.42 x 0.15 mm');
  });

  it('ends with 3 on what it cannot read', async () => {
    await writeFile(inFolder('text.svs'), 'no slide');
    for (const path of [inFolder('missing.svs'), inFolder('text.svs'), folder]) {
      const { exitCode, stderr } = await caughtOutput(['info', path]);
      expect(exitCode).toBe(3);
      expect(stderr).toMatch(/^histojet: .+\n.+\n$/);
      expect(stderr).toContain(path);
    }
  });
});

describe('histojet nuclei', () => {
  const region = ['--region', '0,0,600,600'];

  it('writes the nuclei, a picture, and progress by machine', async () => {
    const output = inFolder('nuclei.geojson.gz');
    const overlay = inFolder('nuclei.png');
    const args = ['nuclei', slide, '-o', output, '--overlay', overlay, '--progress', 'json', ...region];
    const { exitCode, stdout, stderr } = await caughtOutput(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    const document = JSON.parse(gunzipSync(await readFile(output)).toString()) as { features: unknown[] };
    expect(document.features.length).toBeGreaterThan(10);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ stage: 'segment', done: 1, total: 1 });
    expect(lines.at(-1)).toMatchObject({ result: { path: output, nuclei: document.features.length } });
    expect((await readFile(overlay)).subarray(1, 4).toString()).toBe('PNG');
    expect(existsSync(`${output}.part`)).toBe(false);
  });

  it('takes a picture without resolution to have that of the network, or the one of --mpp', async () => {
    const picture = inFolder('picture.png');
    const pixels = { data: new Uint8Array(3 * 64 * 48).fill(220), width: 64, height: 48, channels: 3 as const };
    await writeFile(picture, await encodePng(pixels));
    const output = inFolder('picture.json');
    const assumed = await caughtOutput(['nuclei', picture, '-o', output, '--no-tissue']);
    expect(assumed.exitCode).toBe(0);
    expect(assumed.stderr).toContain('is taken to have 0.25');
    const { exitCode, stderr } = await caughtOutput(['nuclei', picture, '-o', output, '--mpp', '0.25', '--no-tissue']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(await readFile(output, 'utf8'))).toMatchObject({ mag: 40 });
  });

  it('ends with 4 when it cannot write', async () => {
    for (const args of [
      ['-o', inFolder('no-folder/x.geojson')],
      ['-o', inFolder('x.geojson'), '--overlay', inFolder('no-folder/x.png')],
    ]) {
      const { exitCode, stderr } = await caughtOutput(['nuclei', slide, ...region, ...args]);
      expect(stderr).toContain('no-folder');
      expect(exitCode).toBe(4);
    }
  });

  it('ends with 3 on arguments that make no sense', async () => {
    await writeFile(inFolder('weights.pth'), 'no weights');
    for (const args of [
      ['-o', inFolder('x.unknown')],
      ['-o', inFolder('x.geojson'), '-m', inFolder('weights.pth')],
      ['-o', inFolder('x.geojson'), '-m', inFolder('missing.pth')],
      ['-o', inFolder('x.geojson'), '--region', '5000,0,10,10'],
      ['-o', inFolder('x.geojson'), '--device', 'cuda'],
    ]) {
      const { exitCode, stderr } = await caughtOutput(['nuclei', slide, ...args]);
      expect(stderr).toMatch(/^histojet: .+\n.+\n$/);
      expect(exitCode).toBe(3);
    }
    expect(existsSync(inFolder('x.geojson.part'))).toBe(false);
  });

  it('leaves a valid part when it is interrupted', async () => {
    const output = inFolder('stopped.geojson');
    let interrupted = false;
    const args = ['nuclei', slide, '-o', output, '--progress', 'json', '--no-tissue', '--threads', '1'];
    const { exitCode, stderr } = await caughtOutput(args, (text) => {
      if (interrupted || !text.includes('"stage"')) return;
      interrupted = true;
      process.emit('SIGINT');
    });
    expect(exitCode).toBe(130);
    expect(stderr).toContain(`${output}.part is a valid file`);
    expect(JSON.parse(stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'ABORTED' } });
    const document = JSON.parse(await readFile(`${output}.part`, 'utf8')) as { features: unknown[] };
    expect(document.features.length).toBeGreaterThan(0);
    expect(existsSync(output)).toBe(false);
  });
});

describe('--openslide', () => {
  // Recognised as Hamamatsu VMS, which histojet leaves to OpenSlide.
  const vms = '[Virtual Microscope Specimen]\nnothing else\n';

  it('says who reads foreign formats, wherever a slide is opened', async () => {
    const path = inFolder('foreign.vms');
    const output = ['-o', inFolder('foreign.geojson')];
    await writeFile(path, vms);
    for (const args of [
      ['info', path],
      ['doctor', path],
      ['convert', path, inFolder('foreign.tif')],
      ['nuclei', path, ...output],
    ]) {
      const off = await caughtOutput([...args, '--openslide', 'off']);
      expect(off.stderr).toMatch(/^histojet: .*foreign\.vms.*switched off.*\n.+\n$/);
      const missing = await caughtOutput([...args, '--openslide', inFolder('no-such-library.so')]);
      expect(missing.stderr).toMatch(/^histojet: .*foreign\.vms.*cannot be loaded.*no-such-library\.so.*\n.+\n$/);
      expect([off.exitCode, missing.exitCode]).toEqual([3, 3]);
    }
  });

  it('does not touch what histojet reads itself', async () => {
    for (const which of ['auto', 'off', inFolder('no-such-library.so')]) {
      expect((await caughtOutput(['info', slide, '--openslide', which])).exitCode).toBe(0);
      expect((await caughtOutput(['doctor', slide, '--openslide', which])).exitCode).toBe(0);
    }
  });

  it('needs a value, and a slide', async () => {
    for (const args of [
      ['info', slide, '--openslide'],
      ['info', slide, '--openslide='],
      ['doctor', '--openslide', 'off'],
      ['demo', '--openslide', 'off'],
    ]) {
      const { exitCode, stderr } = await caughtOutput(args);
      expect(stderr).toMatch(/^histojet: .*--openslide.*\n.+\n$/);
      expect(exitCode).toBe(3);
    }
  });

  it('stands in the help of every command that opens slides', async () => {
    for (const command of ['info', 'nuclei', 'convert', 'doctor']) {
      const { stdout } = await caughtOutput(['help', command]);
      expect(stdout).toContain('--openslide WHICH');
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
    }
  });
});

describe('histojet doctor', () => {
  it('finds nothing wrong', async () => {
    const { exitCode, stdout } = await caughtOutput(['doctor']);
    expect(stdout).toContain('self-test  ok');
    expect(exitCode).toBe(0);
  });

  it('explains where the resolution of a slide comes from', async () => {
    const { exitCode, stdout } = await caughtOutput(['doctor', slide]);
    expect(stdout).toContain('0.25 µm per pixel, from the resolution tags');
    expect(stdout).toContain('(40000 pixels per centimeter)');
    expect(stdout).toContain('ok, 512 x 512 px from the middle of 1700 x 600');
    expect(exitCode).toBe(0);
  });

  it('says what to do without a resolution, and what does not read', async () => {
    const data = new Uint8Array(3 * 90 * 80).map((_, i) => (i * 7919) % 251);
    const png = await encodePng({ data, width: 90, height: 80, channels: 3 });
    await writeFile(inFolder('whole.png'), png);
    const whole = await caughtOutput(['doctor', inFolder('whole.png')]);
    expect(whole.stdout).toContain('pass --mpp');
    expect(whole.exitCode).toBe(0);
    await writeFile(inFolder('cut.png'), png.subarray(0, png.length / 2));
    const cut = await caughtOutput(['doctor', inFolder('cut.png')]);
    expect(`${cut.stdout}${cut.stderr}`).toContain('cut.png');
    expect(cut.exitCode).toBe(3);
  });
});
