import type { Slide } from '../index.js';
import type { SlideMpp } from '../slide/slide-types.js';
import { failureOf } from './exit-codes.js';

type Row = readonly [name: string, text: string];

/** What `histojet doctor SLIDE` found. */
export interface SlideCheckup {
  /** Names and texts for a table. */
  readonly rows: readonly Row[];
  /** Whether every read that was tried succeeded. */
  readonly readable: boolean;
}

const windowPx = 512;

function micrometres(value: number): string {
  return `${Number(value.toPrecision(6))} µm per pixel`;
}

/** Micrometres per pixel by the resolution tags; nothing without a unit of length. */
function fromResolution(properties: Readonly<Record<string, string>>): string {
  const perUnit = Number(properties['tiff.XResolution']);
  const unit = properties['tiff.ResolutionUnit'];
  if (!(perUnit > 0)) return 'no resolution tag';
  if (unit !== 'inch' && unit !== 'centimeter') return `${perUnit} pixels per unit, but no unit of length (${unit})`;
  return `${micrometres((unit === 'inch' ? 25400 : 10000) / perUnit)} (${perUnit} pixels per ${unit})`;
}

const sourceNames: Readonly<Record<SlideMpp['source'], string>> = {
  vendor: "the scanner's own entry",
  'tiff-resolution': 'the resolution tags',
  'objective-power': 'a guess from the objective',
  companion: 'the file beside the slide',
  override: 'the option',
};

/** Every place that may say the resolution, what it says, and which one is used. */
function resolutionRows({ mpp, properties, objectivePower }: Slide): Row[] {
  const vendor = Number(properties['openslide.mpp-x']);
  const says = mpp?.source === 'vendor' || (vendor > 0 && mpp?.source !== 'tiff-resolution');
  const rows: Row[] = [
    ['resolution', mpp === null ? 'unknown' : `${micrometres(mpp.x)}, from ${sourceNames[mpp.source]}`],
    ['  scanner', says && vendor > 0 ? micrometres(vendor) : 'says nothing'],
    ['  TIFF tags', fromResolution(properties)],
    [
      '  objective',
      objectivePower === null ? 'unknown' : `${objectivePower}x, usually ${micrometres(10 / objectivePower)}`,
    ],
  ];
  if (mpp === null) {
    rows.push(['', 'models need it: pass --mpp, or put { "mpp": 0.25 } into SLIDE.histojet.json beside the slide']);
  } else if (mpp.source === 'objective-power') {
    rows.push(['', 'objectives of one power differ by up to a fifth between scanners: check it, or pass --mpp']);
  }
  return rows;
}

/** Reads something and says how that went. */
async function tryRead(name: string, read: () => Promise<string>): Promise<{ row: Row; good: boolean }> {
  const started = performance.now();
  try {
    const what = await read();
    return { row: [name, `ok, ${what} in ${(performance.now() - started).toFixed(0)} ms`], good: true };
  } catch (error) {
    return { row: [name, `FAILED: ${failureOf(error).message}`], good: false };
  }
}

/** Opened, described and read at a few places: what is known of a slide, and why. */
export async function checkSlide(slide: Slide): Promise<SlideCheckup> {
  const { format, width, height, levels, bounds, associatedImages } = slide;
  const megapixels = (width * height) / 1e6;
  const rows: Row[] = [
    ['format', format],
    ['size', `${width} x ${height} px (${megapixels.toFixed(1)} megapixels), ${levels.length} level(s)`],
    ...resolutionRows(slide),
    ['scanned part', `${bounds.x}, ${bounds.y}, ${bounds.width} x ${bounds.height} px`],
  ];
  const results = [];
  for (const [level, size] of levels.entries()) {
    const window = { width: Math.min(windowPx, size.width), height: Math.min(windowPx, size.height) };
    const x = Math.floor((size.width - window.width) / 2);
    const y = Math.floor((size.height - window.height) / 2);
    results.push(
      await tryRead(`level ${level}`, async () => {
        await slide.readRegion({ x, y, ...window, level, coordinates: 'level' });
        return `${window.width} x ${window.height} px from the middle of ${size.width} x ${size.height}`;
      }),
    );
  }
  for (const name of associatedImages) {
    results.push(
      await tryRead(name, async () => {
        const image = await slide.readAssociatedImage(name);
        return `${image.width} x ${image.height} px`;
      }),
    );
  }
  rows.push(...results.map(({ row }) => row));
  for (const warning of slide.warnings) rows.push(['warning', warning]);
  if (levels.length === 1 && megapixels > 100) {
    rows.push(['', 'one level only: overviews read all of it; `histojet convert` writes a pyramid']);
  }
  return { rows, readable: results.every(({ good }) => good) };
}
