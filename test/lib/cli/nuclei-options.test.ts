import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../lib/cli/exit-codes.js';
import { nucleiOptions } from '../../../lib/cli/nuclei-options.js';

describe('nucleiOptions', () => {
  it('has defaults that leave the choice to the library', () => {
    const options = nucleiOptions(['a.svs', '-o', 'a.geojson']);
    const { slide, output, tissue, opening, ...rest } = options;
    expect({ slide, output, tissue, opening }).toEqual({
      slide: 'a.svs',
      output: 'a.geojson',
      tissue: true,
      opening: { tolerant: false, openslide: 'auto' },
    });
    expect(Object.values(rest).every((value) => value === undefined)).toBe(true);
  });

  it('reads everything', () => {
    const line =
      '-m w.pth -o o.json --format hovernet-json --mpp 0.5 --region 1,2,3,4 --no-tissue --variant hoverfast ' +
      '--min-area-um2 4 --simplify 0 --stain ihc-dab --precision fast --device cpu --threads 2 --tile-size 512 ' +
      '--tolerant --openslide off --overlay o.png --progress json a.svs';
    expect(nucleiOptions(line.split(' '))).toEqual({
      slide: 'a.svs',
      output: 'o.json',
      overlay: 'o.png',
      weights: 'w.pth',
      format: 'hovernet-json',
      mpp: 0.5,
      region: { x: 1, y: 2, width: 3, height: 4 },
      tissue: false,
      variant: 'hoverfast',
      minAreaUm2: 4,
      simplify: 0,
      stain: 'ihc-dab',
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
    ['two slides', 'a.svs b.svs -o o.geojson'],
    ['the slide as output', 'a.svs -o ./a.svs'],
    ['the slide as picture', 'a.svs -o o.geojson --overlay a.svs'],
    ['one file for both', 'a.svs -o o.png --overlay o.png'],
    ['both tissue options', 'a.svs -o o.geojson --tissue --no-tissue'],
    ['no threads', 'a.svs -o o.geojson --threads 0'],
    ['an empty output', 'a.svs --output='],
    ['an empty library', 'a.svs -o o.geojson --openslide='],
  ])('refuses %s', (_, line) => {
    expect(() => nucleiOptions(line.split(' ').filter(Boolean))).toThrow(UsageError);
  });
});
