import { rm, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { Slide } from '../../../lib/index.js';
import { expectCode, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
let path = '';

beforeAll(async () => {
  ({ path } = await smallSlide(folder));
});

async function mppWith(companion: string, options = {}) {
  await writeFile(`${path}.histojet.json`, companion);
  try {
    await using slide = await Slide.open(path, options);
    return { mpp: slide.mpp, warnings: slide.warnings };
  } finally {
    await rm(`${path}.histojet.json`);
  }
}

test('the file beside the slide goes before its own tags, and the option before both', async () => {
  expect((await mppWith('{ "mpp": 0.31 }')).mpp).toEqual({ x: 0.31, y: 0.31, source: 'companion' });
  const both = '{ "mpp": { "x": 0.3, "y": 0.4 }, "note": "measured" }';
  expect((await mppWith(both)).mpp).toEqual({ x: 0.3, y: 0.4, source: 'companion' });
  expect((await mppWith(both, { mpp: 0.5 })).mpp).toEqual({ x: 0.5, y: 0.5, source: 'override' });
});

test('nonsense values are refused with a warning', async () => {
  const { mpp, warnings } = await mppWith('{ "mpp": 250 }');
  expect(mpp?.source).toBe('tiff-resolution');
  expect(warnings).toEqual([expect.stringContaining('250 x 250 micrometres per pixel (companion)')]);
});

test('a file that says something else is an error that shows what was expected', async () => {
  for (const text of ['', '{ "mpp": "0.25" }', '{ "mpp": { "x": 0.25 } }', '{ "mpp": -1 }', '[0.25]', '{}']) {
    await expectCode(mppWith(text), 'HISTOJET_CORRUPT_FILE', /histojet\.json: expected \{ "mpp": number \}/);
  }
});
