import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { HistojetError, type HistojetErrorCode, type Image, synthesizeSlide } from '../../lib/index.js';

/** The package root. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A file of test/fixtures. */
export function fixture(path: string): string {
  return join(root, 'test', 'fixtures', path);
}

/** A network so small that tests may run it: 8092 parameters, seeded. */
export const tinyWeights = fixture('hover/hoverfast_small_b.safetensors');

/** A folder that vanishes after the tests of a file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'histojet-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A small slide with two levels and known nuclei. */
export async function smallSlide(folder: string): Promise<{ path: string; truth: string; nuclei: number }> {
  const path = join(folder, 'slide.tif');
  const truth = join(folder, 'truth.geojson');
  const { nuclei } = await synthesizeSlide(path, { width: 1040, height: 330, seed: 7, tissue: 0.8, truth });
  return { path, truth, nuclei };
}

/** A picture with a different value everywhere. */
export function pattern(width: number, height: number, channels: 3 | 4 = 3): Image {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; ++i) data[i] = i * 37 + (i >> 5);
  return { data, width, height, channels };
}

/** A picture with a white square, which is what Pixel-Mamba's pad colour looks like. */
export function covered(image: Omit<Image, 'channels'>, x: number, y: number, side: number): Image {
  const data = image.data.slice();
  for (let row = y; row < Math.min(image.height, y + side); ++row) {
    data.fill(255, 3 * (row * image.width + x), 3 * (row * image.width + Math.min(image.width, x + side)));
  }
  return { ...image, channels: 3, data };
}

/** Expects a HistojetError with this code. */
export async function expectCode(promise: Promise<unknown>, code: HistojetErrorCode, message?: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HistojetError);
  expect(error).toMatchObject({ code });
  if (message !== undefined) expect((error as Error).message).toMatch(message);
}

/** Expects a TypeError or RangeError with the code that both carry. */
export async function expectArgumentError(
  promise: Promise<unknown>,
  kind: typeof TypeError | typeof RangeError,
  message: RegExp,
): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(kind);
  expect(error).toMatchObject({ code: 'HISTOJET_INVALID_ARGUMENT', message: expect.stringMatching(message) });
}

/** Expects equal bytes; comparing large arrays element by element takes seconds. */
export function expectSameBytes(actual: ArrayBufferView, expected: ArrayBufferView): void {
  const view = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
    Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  expect(actual.byteLength).toBe(expected.byteLength);
  expect(view(actual).equals(view(expected))).toBe(true);
}
