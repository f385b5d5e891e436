import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodePng, NucleusList, renderOverlay, renderSlideOverlay, Slide, SlideOverlay } from '../../../lib/index.js';
import { expectArgumentError, expectSameBytes, pattern, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
let path = '';
beforeAll(async () => {
  path = (await smallSlide(folder)).path;
});

const classes = [
  { name: 'none', color: [1, 2, 3] as const },
  { name: 'one', color: [250, 0, 0] as const },
  { name: 'two', color: [0, 0, 250] as const },
];

function square(x: number, y: number, side: number, type?: number): NucleusList {
  const ring = [x, y, x + side, y, x + side, y + side, x, y + side];
  return NucleusList.fromContours([ring], type === undefined ? {} : { types: [type] });
}

const pixel = (image: { data: Uint8Array; width: number }, x: number, y: number): number[] => [
  ...image.data.subarray(3 * (y * image.width + x), 3 * (y * image.width + x) + 3),
];

describe('renderSlideOverlay', () => {
  it('draws on the pixels of the region, in the colours of the classes', async () => {
    await using slide = await Slide.open(path);
    const region = { x: 101, y: 53, width: 200, height: 130 };
    const lists = [square(121, 73, 40, 1), square(221, 73, 40, 2), square(121, 133, 20), square(221, 133, 20, 9)];
    const picture = await renderSlideOverlay(slide, lists, { region, classes, color: [0, 250, 0], lineWidth: 4 });
    expect(picture).toMatchObject({ width: 200, height: 130, channels: 3 });
    expect(pixel(picture, 20, 40)).toEqual([250, 0, 0]);
    expect(pixel(picture, 120, 40)).toEqual([0, 0, 250]);
    expect(pixel(picture, 20, 90)).toEqual([0, 250, 0]); // without a type
    expect(pixel(picture, 120, 90)).toEqual([0, 250, 0]); // of a type beyond the classes
    const plain = await slide.readRegion(region);
    expect(pixel(picture, 40, 40)).toEqual(pixel(plain, 40, 40));
  });

  it('shrinks large regions and keeps outlines in place', async () => {
    await using slide = await Slide.open(path);
    const options = { maxSize: 260, color: [0, 250, 0], lineWidth: 3 } as const; // 1040 px: scale 4
    const picture = await renderSlideOverlay(slide, square(400, 100, 160), options);
    expect(picture).toMatchObject({ width: 260, height: 83 });
    expect(pixel(picture, 100, 45)).toEqual([0, 250, 0]);
    expect(pixel(picture, 120, 25)).toEqual([0, 250, 0]);
  });

  it('takes batches as they come and gives the same as all at once', async () => {
    await using slide = await Slide.open(path);
    const lists = Array.from({ length: 9 }, (_, i) => square(20 + 100 * i, 20 + 25 * i, 60, i % 3));
    async function* batches(): AsyncGenerator<NucleusList> {
      yield* lists;
    }
    const streamed = await renderSlideOverlay(slide, batches(), { classes });
    const once = await renderSlideOverlay(slide, NucleusList.concat(lists), { classes });
    expectSameBytes(streamed.data, once.data);
    const overlay = await SlideOverlay.create(slide, { classes });
    await Promise.all(lists.map((list) => overlay.add(list)));
    expectSameBytes((await overlay.finish()).data, once.data);
    expectSameBytes((await overlay.finish()).data, once.data);
  });

  it('knows slides whose pixels are not square, and those without mpp', async () => {
    const { data } = pattern(400, 100);
    const file = join(folder, 'flat.tif');
    await Slide.create(file, { width: 400, height: 100, data, channels: 3 }, { compression: 'deflate' });
    await using bare = await Slide.open(file);
    const style = { color: [0, 250, 0], lineWidth: 3 } as const;
    const whole = await renderSlideOverlay(bare, square(40, 20, 60), { ...style, maxSize: 100 });
    expect(whole).toMatchObject({ width: 400, height: 100 }); // there is no smaller level
    expect(pixel(whole, 40, 50)).toEqual([0, 250, 0]);
    expect(pixel(whole, 70, 80)).toEqual([0, 250, 0]);

    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${file}.histojet.json`, JSON.stringify({ mpp: { x: 0.25, y: 0.5 } }));
    await using oblong = await Slide.open(file);
    expect(oblong.mpp).toMatchObject({ x: 0.25, y: 0.5 });
    const picture = await renderSlideOverlay(oblong, square(40, 20, 60), style);
    expect(picture).toMatchObject({ width: 200, height: 100 });
    expect(pixel(picture, 20, 50)).toEqual([0, 250, 0]);
    expect(pixel(picture, 35, 80)).toEqual([0, 250, 0]);
    expect(pixel(picture, 50, 50)).toEqual([0, 250, 0]);
  });

  it('refuses wrong arguments and stops when asked', async () => {
    await using slide = await Slide.open(path);
    const list = square(10, 10, 20);
    await expectArgumentError(renderSlideOverlay({} as never, list), TypeError, /expected a Slide/);
    await expectArgumentError(renderSlideOverlay(slide, 5 as never), TypeError, /NucleusList or an iterable/);
    await expectArgumentError(renderSlideOverlay(slide, [{} as never]), TypeError, /expected a NucleusList/);
    await expectArgumentError(renderSlideOverlay(slide, list, { maxSize: 0 }), RangeError, /maxSize/);
    await expectArgumentError(renderSlideOverlay(slide, list, { lineWidth: 0 }), RangeError, /lineWidth/);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(renderSlideOverlay(slide, list, { signal })).rejects.toThrow('enough');
  });
});

describe('renderOverlay', () => {
  it('keeps its options and takes classes and a scale downwards', async () => {
    const image = { data: new Uint8Array(60 * 40 * 3), width: 60, height: 40, channels: 3 } as const;
    const options = { x: 100, y: 200, scale: 2, color: [10, 20, 30], lineWidth: 3 } as const;
    const plain = await renderOverlay(image, square(120, 220, 40, 1), options);
    expect(pixel(plain, 10, 20)).toEqual([10, 20, 30]);
    const typed = await renderOverlay(image, square(120, 220, 40, 1), { ...options, classes });
    expect(pixel(typed, 10, 20)).toEqual([250, 0, 0]);
    const flat = await renderOverlay(image, square(120, 220, 40), { ...options, scaleY: 4 });
    expect(pixel(flat, 20, 15)).toEqual([10, 20, 30]);
    expect(pixel(flat, 20, 30)).toEqual([0, 0, 0]);
    expect((await encodePng(flat)).length).toBeGreaterThan(60);
    await expectArgumentError(
      renderOverlay(image, square(1, 1, 5), { classes: [{ name: 'a', color: [0, 0, 256] }] }),
      RangeError,
      /classes\[0\]\.color\[2\]/,
    );
  });
});
