import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DeepZoomOptions, type Image, Slide } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const small = smallSlide(folder); // 1040 x 330 and 520 x 165

/** Size and pixels of an encoded tile. */
async function decoded(bytes: Uint8Array): Promise<Image & { format: string }> {
  const path = join(folder, 'tile');
  await writeFile(path, bytes);
  await using picture = await Slide.open(path);
  const { format, width, height } = picture;
  return { format, ...(await picture.readRegion({ x: 0, y: 0, width, height })) };
}

async function tile(slide: Slide, options: DeepZoomOptions, ...[level, column, row]: [number, number, number]) {
  return decoded(await slide.deepZoom(options).tile(level, column, row));
}

describe('Slide.deepZoom', () => {
  it('has the levels of OpenSlide', async () => {
    await using slide = await Slide.open((await small).path);
    const zoom = slide.deepZoom();
    const sizes = zoom.levels.map(({ width, height, columns, rows }) => [width, height, columns, rows]);
    expect(sizes).toEqual([
      [1, 1, 1, 1],
      [2, 1, 1, 1],
      [3, 1, 1, 1],
      [5, 2, 1, 1],
      [9, 3, 1, 1],
      [17, 6, 1, 1],
      [33, 11, 1, 1],
      [65, 21, 1, 1],
      [130, 42, 1, 1],
      [260, 83, 2, 1],
      [520, 165, 3, 1],
      [1040, 330, 5, 2],
    ]);
    expect(zoom.descriptor()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpeg" Overlap="1" TileSize="254">' +
        '<Size Width="1040" Height="330"/></Image>\n',
    );
  });

  it('overlaps tiles on the sides that are no border', async () => {
    await using slide = await Slide.open((await small).path);
    for (const [level, column, row, width, height] of [
      [11, 0, 0, 255, 255],
      [11, 1, 0, 256, 255],
      [11, 4, 0, 25, 255],
      [11, 2, 1, 256, 77],
      [11, 4, 1, 25, 77],
      [10, 1, 0, 256, 165],
      [10, 2, 0, 13, 165],
      [9, 0, 0, 255, 83],
      [9, 1, 0, 7, 83],
      [0, 0, 0, 1, 1],
    ] as const) {
      expect(await tile(slide, {}, level, column, row)).toMatchObject({ format: 'jpeg', width, height });
    }
    // The overlap is larger than the last tile (16 px): the one before ends with the level.
    expect(await tile(slide, { tileSize: 256, overlap: 20 }, 11, 3, 0)).toMatchObject({ width: 292 });
    expect(await tile(slide, { tileSize: 1024, overlap: 20 }, 11, 0, 0)).toMatchObject({ width: 1040 });
  });

  it('shows the pixels of the slide where a level fits', async () => {
    await using slide = await Slide.open((await small).path);
    const top = await tile(slide, { format: 'png' }, 11, 1, 1);
    const expected = await slide.readRegion({ x: 253, y: 253, width: 256, height: 77 });
    expect(top.format).toBe('png');
    expectSameBytes(top.data, expected.data);
    const half = await tile(slide, { format: 'png', overlap: 0, tileSize: 200 }, 10, 2, 0);
    const stored = await slide.readRegion({ x: 400, y: 0, width: 120, height: 165, level: 1, coordinates: 'level' });
    expectSameBytes(half.data, stored.data);
  });

  it('averages where it lies between levels', async () => {
    await using slide = await Slide.open((await small).path);
    const shown = await tile(slide, { format: 'png' }, 9, 1, 0);
    const wanted = await slide.readAt({ x: 253 * 4, y: 0, width: 7, height: 83, mpp: 1 });
    const difference = shown.data.reduce((sum, value, i) => sum + Math.abs(value - (wanted.data[i] ?? 0)), 0);
    expect(difference / shown.data.length).toBeLessThan(4); // 165 rows become 83: the last one is half as high
  });

  it('encodes as it is told', async () => {
    await using slide = await Slide.open((await small).path);
    const low = await slide.deepZoom({ quality: 20 }).tile(11, 1, 0);
    const high = await slide.deepZoom({ quality: 95 }).tile(11, 1, 0);
    expect(high.length).toBeGreaterThan(2 * low.length);
    expectSameBytes(await slide.deepZoom({ quality: 20 }).tile(11, 1, 0), low);
  });

  it('refuses tiles that do not exist, and a closed slide', async () => {
    const slide = await Slide.open((await small).path);
    const zoom = slide.deepZoom();
    await expectArgumentError(zoom.tile(12, 0, 0), RangeError, /^level/);
    await expectArgumentError(zoom.tile(11, 5, 0), RangeError, /5 x 2 tiles/);
    await expectArgumentError(zoom.tile(11, 0, -1), RangeError, /^row/);
    expect(() => slide.deepZoom({ tileSize: 0 })).toThrow(RangeError);
    expect(() => slide.deepZoom({ format: 'webp' as never })).toThrow(RangeError);
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(zoom.tile(11, 0, 0, { signal: controller.signal })).rejects.toThrow('enough');
    await slide.close();
    await expectCode(zoom.tile(11, 0, 0), 'HISTOJET_DISPOSED');
  });
});
