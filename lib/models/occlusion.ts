import type { NativeOcclusion } from '../internal/native-pixel-mamba.js';
import type { RelevancePart } from './attribution-types.js';
import type { OccludedSquare, OcclusionMap } from './occlusion-types.js';
import { type MapPlane, PlacedMaps, type PlacedMapsSource } from './placed-maps.js';

/** What an occlusion is of; see the members of {@link Occlusion}. */
export interface OcclusionSource extends Omit<PlacedMapsSource, 'region'> {
  readonly found: NativeOcclusion;
}

function mapOf({ values, width, height, finestPx, scaleX, scaleY }: NativeOcclusion): OcclusionMap {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return Object.freeze({
    squarePx: finestPx,
    cellPx: { x: finestPx * scaleX, y: finestPx * scaleY },
    width,
    height,
    values,
    min,
    max,
  });
}

function squaresOf({ squares, part, scaleX, scaleY }: NativeOcclusion): readonly OccludedSquare[] {
  return Object.freeze(
    Array.from({ length: squares.length / 4 }, (_, i) => {
      const [x = 0, y = 0, side = 0, change = 0] = squares.subarray(4 * i, 4 * i + 4);
      return Object.freeze({
        x: part.x + x * scaleX,
        y: part.y + y * scaleY,
        width: side * scaleX,
        height: side * scaleY,
        change,
      });
    }),
  );
}

/**
 * What changes when squares of a slide are painted over, one at a time and from coarse to fine. Made by
 * {@link PixelMamba.attribute} with the method `'occlusion'`.
 *
 * @example
 * const occlusion = await model.attribute(slide, { method: 'occlusion' });
 * await occlusion.savePng('heat.png', slide);
 */
export class Occlusion extends PlacedMaps<OcclusionMap> {
  /** What is followed, for the slide as it is: the target's logit, for classes less the mean of all; see `target`. */
  readonly score: number;
  /** In the order in which they were looked at, the coarse ones first. */
  readonly squares: readonly OccludedSquare[];
  /** How often the network looked at the slide: once, and once per square. */
  readonly evaluations: number;
  /** Regions that were computed for it; without what was kept between evaluations `evaluations` times all. */
  readonly regionsComputed: number;
  /** How far the score falls with each place, see {@link OcclusionMap.values}. */
  readonly finest: OcclusionMap;
  protected readonly parts = ['all', 'against'] as const;

  /** Use {@link PixelMamba.attribute}. */
  constructor({ found, ...source }: OcclusionSource) {
    super({ ...source, region: found.part });
    this.score = found.score;
    this.squares = squaresOf(found);
    this.evaluations = found.evaluations;
    this.regionsComputed = found.regionsComputed;
    this.finest = mapOf(found);
  }

  protected select({ values }: OcclusionMap, part: RelevancePart): Float32Array {
    return part === 'all' ? values : values.map((value) => -value);
  }

  protected planes(): readonly MapPlane[] {
    return [{ name: 'all', values: this.finest.values }];
  }

  protected describe(): Readonly<Record<string, unknown>> {
    const { score, evaluations, finest } = this;
    return { unit: 'fall of the score', method: 'occlusion', score, evaluations, squarePx: finest.squarePx };
  }
}
