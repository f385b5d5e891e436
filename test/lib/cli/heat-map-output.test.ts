import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutputError, UsageError } from '../../../lib/cli/exit-codes.js';
import { HeatMapOutput } from '../../../lib/cli/heat-map-output.js';
import { NucleusList, Slide } from '../../../lib/index.js';
import { temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const slide = { width: 640, height: 320, mpp: 0.5 };
const region = { x: 64, y: 0, width: 512, height: 320 };
const classes = ['background', 'B / T cells', 'B-T cells', 'never'].map((name) => ({
  name,
  color: [9, 8, 7] as const,
}));
const nuclei = NucleusList.fromContours(
  [1, 2, 2].map((_, i) => [100 + 50 * i, 100, 110 + 50 * i, 100, 105 + 50 * i, 110]),
  { types: [1, 2, 2] },
);
const { signal } = new AbortController();

describe('HeatMapOutput', () => {
  it.each(['density.png', 'density.tif', 'density.ome.tif'])('writes %s and one more per class', async (name) => {
    const path = join(folder, name);
    const [stem, extension] = [join(folder, 'density'), name.slice('density'.length)];
    const output = HeatMapOutput.create(path, slide, region, classes);
    expect(existsSync(path)).toBe(false);
    await output.add(nuclei);
    const paths = await output.save(signal);
    expect(paths).toEqual([path, `${stem}-B-T-cells${extension}`, `${stem}-B-T-cells-2${extension}`]);
    const counted = paths.map((file) => JSON.parse(readFileSync(`${file}.json`, 'utf8')) as Record<string, unknown>);
    expect(counted.map((side) => [side.class, side.nuclei])).toEqual([
      [null, 3],
      [1, 1],
      [2, 2],
    ]);
    expect(counted[0]).toMatchObject({ origin: [64, 0], size: [16, 10], smoothUm: 20 });
    await using picture = await Slide.open(path);
    expect(picture).toMatchObject({ width: 16, height: 10 });
  });

  it('writes one file without classes', async () => {
    const output = HeatMapOutput.create(join(folder, 'plain.png'), slide, region, []);
    await output.add(nuclei);
    expect(await output.save(signal)).toEqual([join(folder, 'plain.png')]);
  });

  it('refuses other files, slides without mpp and folders that are not there', async () => {
    expect(() => HeatMapOutput.create('map.jpg', slide, region, [])).toThrow(UsageError);
    expect(() => HeatMapOutput.create('map.png', { ...slide, mpp: null }, region, [])).toThrow(/needs the resolution/);
    const output = HeatMapOutput.create(join(folder, 'missing', 'map.png'), slide, region, []);
    await expect(output.save(signal)).rejects.toThrow(OutputError);
    await expect(output.save(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
