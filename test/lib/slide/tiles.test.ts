import { beforeAll, expect, test } from 'vitest';
import { Slide, type SlideTile } from '../../../lib/index.js';
import { expectArgumentError, expectSameBytes, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
let slide: Slide;

beforeAll(async () => {
  slide = await Slide.open((await smallSlide(folder)).path);
});

async function collect(tiles: AsyncIterable<SlideTile>): Promise<SlideTile[]> {
  const all: SlideTile[] = [];
  for await (const tile of tiles) all.push(tile);
  return all;
}

test('covers the slide in raster order with padded edges', async () => {
  const tiles = await collect(slide.tiles({ size: 256 }));
  expect(tiles.map(({ x, y }) => [x, y])).toEqual([0, 256].flatMap((y) => [0, 256, 512, 768, 1024].map((x) => [x, y])));
  const last = tiles.at(-1);
  expect(last).toMatchObject({ column: 4, row: 1, image: { width: 256, height: 256, channels: 3 } });
  const direct = await slide.readRegion({ x: 1024, y: 256, width: 256, height: 256 });
  expectSameBytes(last?.image.data ?? new Uint8Array(), direct.data);
});

test('overlap, region and resolution shape the grid', async () => {
  const region = { x: 100, y: 50, width: 300, height: 100 };
  const overlapping = await collect(slide.tiles({ size: 128, overlap: 28, region }));
  expect(overlapping.map(({ x, y }) => [x, y])).toEqual([
    [100, 50],
    [200, 50],
    [300, 50],
  ]);
  const coarse = await collect(slide.tiles({ size: 256, mpp: 0.5 }));
  expect(coarse.map(({ x, y }) => [x, y])).toEqual([
    [0, 0],
    [512, 0],
    [1024, 0],
  ]);
});

test('a mask chooses tiles', async () => {
  const data = new Uint8Array(9 * 3);
  data[0] = 1; // tissue in the first 128 x 128 px only
  const tissue = { width: 9, height: 3, downsample: 128, data };
  const tiles = await collect(slide.tiles({ size: 256, tissue, minTissue: 0.2 }));
  expect(tiles.map(({ x, y }) => [x, y])).toEqual([[0, 0]]);
  expect((await collect(slide.tiles({ size: 256, tissue, minTissue: 0.3 }))).length).toBe(0);
  expect((await collect(slide.tiles({ size: 256, tissue: true }))).length).toBeGreaterThan(0);
});

test('leaving the loop ends the reading', async () => {
  let count = 0;
  for await (const tile of slide.tiles({ size: 64, readAhead: 8 })) {
    expect(tile.image.data.length).toBe(64 * 64 * 3);
    if (++count === 3) break;
  }
  expect(count).toBe(3);
});

test('an aborted signal ends the loop with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  let seen = 0;
  const loop = (async () => {
    for await (const _ of slide.tiles({ size: 64, signal: controller.signal })) {
      if (++seen === 2) controller.abort(reason);
    }
  })();
  await expect(loop).rejects.toBe(reason);
});

test('refuses contradictions', async () => {
  await expectArgumentError(collect(slide.tiles({ mpp: 1, level: 0 })), TypeError, /one of the two/);
  await expectArgumentError(collect(slide.tiles({ size: 64, overlap: 64 })), RangeError, /^overlap: .* to 63/);
  await expectArgumentError(collect(slide.tiles({ minTissue: 2 })), RangeError, /^minTissue: /);
  await expectArgumentError(collect(slide.tiles({ region: { x: 0 } as never })), TypeError, /^region\.y: /);
  await expectArgumentError(collect(slide.tiles({ tissue: 'yes' as never })), TypeError, /^tissue: /);
});
