import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../lib/cli/exit-codes.js';
import { nucleiOptions } from '../../../lib/cli/nuclei-options.js';

describe('nucleiOptions', () => {
  it('has defaults that leave the choice to the library', () => {
    const options = nucleiOptions(['a.svs', '-o', 'a.geojson']);
    const { slides, outputs, tissue, measure, resume, opening, ...rest } = options;
    expect({ slides, outputs, tissue, measure, resume, opening }).toEqual({
      slides: ['a.svs'],
      outputs: ['a.geojson'],
      tissue: true,
      measure: false,
      resume: false,
      opening: { tolerant: false, openslide: 'auto' },
    });
    expect(Object.values(rest).every((value) => value === undefined)).toBe(true);
  });

  it('reads everything', () => {
    const line =
      '-m w.pth -o o.json --format hovernet-json,csv --mpp 0.5 --region 1,2,3,4 --no-tissue --variant hoverfast ' +
      '--min-area-um2 4 --simplify 0 --stain ihc-dab --measure --precision fast --device cpu --threads 2 --tile-size 512 ' +
      '--tolerant --openslide off --overlay o.png --heatmap h.tif --resume --max-memory 1.5GB --progress json ' +
      '-o p.csv a.svs slides';
    expect(nucleiOptions(line.split(' '))).toEqual({
      slides: ['a.svs', 'slides'],
      outputs: ['o.json', 'p.csv'],
      overlay: 'o.png',
      heatmap: 'h.tif',
      resume: true,
      maxMemoryBytes: 1_500_000_000,
      weights: 'w.pth',
      formats: ['hovernet-json', 'csv'],
      mpp: 0.5,
      region: { x: 1, y: 2, width: 3, height: 4 },
      tissue: false,
      variant: 'hoverfast',
      minAreaUm2: 4,
      simplify: 0,
      stain: 'ihc-dab',
      measure: true,
      precision: 'fast',
      device: 'cpu',
      threads: 2,
      tileSize: 512,
      opening: { tolerant: true, openslide: 'off' },
      progress: 'json',
    });
  });

  it.each([
    ['nothing', ''],
    ['no output', 'a.svs'],
    ['an unknown format', 'a.svs -o o.geojson --format csv,txt'],
    ['no memory', 'a.svs -o o.geojson --max-memory 0'],
    ['memory in words', 'a.svs -o o.geojson --max-memory much'],
    ['both tissue options', 'a.svs -o o.geojson --tissue --no-tissue'],
    ['no threads', 'a.svs -o o.geojson --threads 0'],
    ['an empty output', 'a.svs --output='],
    ['an empty library', 'a.svs -o o.geojson --openslide='],
  ])('refuses %s', (_, line) => {
    expect(() => nucleiOptions(line.split(' ').filter(Boolean))).toThrow(UsageError);
  });
});
