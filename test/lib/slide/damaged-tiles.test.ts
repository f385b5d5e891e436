import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Slide } from '../../../lib/index.js';
import { expectCode, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();

async function readAll(slide: Slide): Promise<void> {
  for (const [level, { width, height }] of slide.levels.entries())
    await slide.readRegion({ x: 0, y: 0, width, height, level });
}

test('a tolerant slide marks the tiles that it met damaged', async () => {
  const { path } = await smallSlide(folder);
  const bytes = await readFile(path);
  // Tiles come first in the file, level by level as they are made.
  bytes.fill(0xff, 3000, 4000);
  const damaged = join(folder, 'damaged.tif');
  await writeFile(damaged, bytes);

  await using strict = await Slide.open(damaged);
  await expectCode(readAll(strict), 'HISTOJET_CORRUPT_FILE', /level 0, column \d+, row \d+/);
  expect(strict.damagedTiles).toEqual([]);

  const slide = await Slide.open(damaged, { tolerant: true });
  expect(slide.damagedTiles).toEqual([]);
  await readAll(slide);
  await readAll(slide);
  expect(slide.damagedTiles).toHaveLength(1);
  expect(slide.damagedTiles[0]).toMatchObject({ level: 0, row: 0, reason: expect.stringContaining('JPEG') });
  await slide.close();
  expect(slide.damagedTiles).toEqual([]);
});
