import { describe, expect, it } from 'vitest';
import { describeDemo } from '../../../lib/cli/demo-report.js';
import { densestRegion } from '../../../lib/cli/densest-region.js';
import { addInset } from '../../../lib/cli/inset.js';
import { describeSlide, slideReport } from '../../../lib/cli/slide-report.js';
import { clock, grouped, humanBytes, table } from '../../../lib/cli/terminal.js';

const slide = {
  path: '/data/a.svs',
  format: 'aperio',
  width: 2220,
  height: 2967,
  levels: [{ width: 2220, height: 2967, downsample: 1, tileWidth: 240, tileHeight: 240 }],
  mpp: { x: 0.499, y: 0.499, source: 'vendor' },
  objectivePower: 20,
  bounds: { x: 0, y: 0, width: 2220, height: 2967 },
  properties: { 'openslide.vendor': 'aperio', 'openslide.comment': `${'x '.repeat(200)}\nend` },
  associatedImages: ['label', 'macro'],
  warnings: ['level 2 is damaged'],
} as const;

describe('slide report', () => {
  it('has exactly the members that programs rely on', () => {
    const report = slideReport({ ...slide, close: () => {} } as typeof slide);
    expect(Object.keys(report)).toEqual([
      'path',
      'format',
      'width',
      'height',
      'levels',
      'mpp',
      'objectivePower',
      'bounds',
      'properties',
      'associatedImages',
      'warnings',
    ]);
  });

  it('reads well', () => {
    const text = describeSlide(slideReport(slide));
    expect(text).toContain('2,220 x 2,967 px, 1.11 x 1.48 mm');
    expect(text).toContain('0.499 µm per pixel (vendor)');
    expect(text).toContain('20x');
    expect(text).toContain('label, macro');
    expect(text).toContain('level 2 is damaged');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(130);
    expect(describeSlide({ ...slide, mpp: null, objectivePower: null })).toContain('unknown');
    expect(describeSlide({ ...slide, bounds: { x: 5, y: 6, width: 70, height: 80 } })).toContain('5, 6, 70 x 80 px');
  });
});

describe('texts', () => {
  it('are for people', () => {
    expect(grouped(1234567.8)).toBe('1,234,568');
    expect([humanBytes(512), humanBytes(1536), humanBytes(3 * 2 ** 30)]).toEqual(['512 B', '1.5 KB', '3.0 GB']);
    expect([clock(7), clock(750), clock(3723), clock(Number.POSITIVE_INFINITY)]).toEqual([
      '0:07',
      '12:30',
      '1:02:03',
      '-:--',
    ]);
    expect(
      table([
        ['a', 'x'],
        ['long', ''],
      ]),
    ).toBe('  a     x\n  long\n');
  });

  it('tell what the demonstration found', () => {
    const scores = { dice: 0.9, aji: 0.7, ajiPlus: 0.7, dq: 0.8, sq: 0.75, pq: 0.6, dice2: 0.8 };
    const text = describeDemo({
      size: 10000,
      mpp: 0.25,
      seed: 1,
      nuclei: 21000,
      seconds: 20,
      threads: 2,
      isa: 'amx',
      precision: 'high',
      scores: { ...scores, truthCount: 22000, predictedCount: 21000, matched: 20000 },
      files: [['slide', '/x/slide.tif']],
    });
    expect(text).toContain('10,000 x 10,000 px (2.5 x 2.5 mm)');
    expect(text).toContain('0.600 = detection 0.800 x outline 0.750');
    expect(text).toContain('5.0 megapixels/s, 1,050 nuclei/s');
    expect(text).toContain('/x/slide.tif');
  });
});

describe('densestRegion', () => {
  it('finds the crowd and stays within the slide', () => {
    const crowd = { centroids: Float32Array.from({ length: 40 }, (_, i) => (i % 2 ? 950 : 2010)) };
    const few = { centroids: new Float32Array([10, 10, 20, 20, 30, 30]) };
    expect(densestRegion([few, crowd], 3000, 2000, 500)).toEqual({ x: 1750, y: 500, width: 500, height: 500 });
    expect(densestRegion([few], 300, 200, 500)).toEqual({ x: 0, y: 0, width: 300, height: 200 });
    expect(densestRegion([], 3000, 2000, 500)).toEqual({ x: 0, y: 0, width: 500, height: 500 });
  });
});

describe('addInset', () => {
  const picture = (width: number, height: number, value: number) => ({
    data: new Uint8Array(width * height * 3).fill(value),
    width,
    height,
    channels: 3 as const,
  });

  it('puts the overview into the corner with a frame around what is shown', () => {
    const large = picture(300, 200, 10);
    addInset(large, picture(100, 50, 77), { x: 200, y: 100, width: 200, height: 100 }, 1000);
    const at = (x: number, y: number): number[] => [...large.data.subarray(3 * (y * 300 + x), 3 * (y * 300 + x) + 3)];
    expect(at(5, 5)).toEqual([10, 10, 10]);
    expect(at(300 - 24 - 1, 200 - 24 - 1)).toEqual([77, 77, 77]);
    expect(at(300 - 24 - 100 - 2, 150)).toEqual([255, 255, 255]);
    expect(at(300 - 24 - 100 + 20, 200 - 24 - 50 + 10)).toEqual([220, 30, 30]);
  });

  it('leaves a picture alone that is too small', () => {
    const small = picture(110, 60, 10);
    addInset(small, picture(100, 50, 77), { x: 0, y: 0, width: 10, height: 10 }, 100);
    expect(small.data.every((value) => value === 10)).toBe(true);
  });
});
