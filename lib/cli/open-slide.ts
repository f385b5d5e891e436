import { Slide } from '../index.js';
import { UsageError } from './exit-codes.js';
import type { OpeningOptions } from './opening-options.js';

/** How a command that runs a network opens a slide. */
export interface NetworkOpening {
  readonly opening: OpeningOptions;
  /** Micrometres per pixel of slides that do not say it. */
  readonly mpp: number | undefined;
}

/**
 * The slide with a resolution: its own, or the one that the user gave. Plain pictures may be without: networks take
 * them to have their own and say so.
 */
export async function openForNetwork(
  path: string,
  { opening, mpp }: NetworkOpening,
  signal: AbortSignal,
): Promise<Slide> {
  const slide = await Slide.open(path, { ...opening, signal });
  const picture = slide.format === 'png' || slide.format === 'jpeg';
  if (slide.mpp !== null || (picture && mpp === undefined)) return slide;
  await slide.close();
  if (mpp !== undefined) return Slide.open(path, { ...opening, mpp, signal });
  throw new UsageError(
    `${path} does not say its resolution`,
    'pass --mpp: 0.25 for a slide scanned at 40x, 0.5 for one at 20x',
  );
}

/** Throws when the part that the user asked for lies outside the slide. */
export function checkRegion(region: { x: number; y: number; width: number; height: number }, slide: Slide): void {
  const { x, y, width, height } = region;
  if (x >= slide.width || y >= slide.height || x + width <= 0 || y + height <= 0) {
    throw new UsageError(`--region lies outside the slide, which has ${slide.width} x ${slide.height} px`);
  }
}
