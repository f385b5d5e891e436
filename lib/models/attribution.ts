import { HistojetError, rangeError } from '../errors.js';
import type { NativeAttribution } from '../internal/native-pixel-mamba.js';
import type { RelevanceMap, RelevancePart } from './attribution-types.js';
import { type MapPlane, PlacedMaps, type PlacedMapsSource } from './placed-maps.js';

/** What an attribution is of; see the members of {@link Attribution}. */
export interface AttributionSource extends Omit<PlacedMapsSource, 'region'> {
  readonly found: NativeAttribution;
}

function mapsOf({ maps, scaleX, scaleY }: NativeAttribution): readonly RelevanceMap[] {
  return Object.freeze(
    maps.map((map) => Object.freeze({ ...map, cellPx: { x: map.tokenPx * scaleX, y: map.tokenPx * scaleY } })),
  );
}

/**
 * Which parts of a slide a prediction comes from: one relevance per token, from the coarsest stage down to the finest one
 * that was asked for. Made by {@link PixelMamba.attribute}.
 *
 * @example
 * const attribution = await model.attribute(slide);
 * await attribution.savePng('heat.png', slide);
 * await attribution.saveTiff('heat.tif');
 */
export class Attribution extends PlacedMaps<RelevanceMap> {
  /** The coarsest stage first. */
  readonly maps: readonly RelevanceMap[];
  /**
   * What the relevances of each stage add up to: with a target its part that depends on the slide (the logit without its
   * bias; for classes, less the mean of all), else 1.
   */
  readonly total: number;
  protected readonly parts = ['all', 'local', 'global', 'against'] as const;

  /** Use {@link PixelMamba.attribute}. */
  constructor({ found, ...source }: AttributionSource) {
    super({ ...source, region: found.part });
    this.maps = mapsOf(found);
    this.total = found.total;
  }

  /** The map with the smallest tokens. */
  get finest(): RelevanceMap {
    const map = this.maps.at(-1);
    if (map === undefined) throw new HistojetError('HISTOJET_INTERNAL', 'an attribution without maps');
    return map;
  }

  /** The map whose tokens have this side in pixels of the network's resolution. @throws RangeError naming those there are */
  mapOf(tokenPx: number): RelevanceMap {
    const map = this.maps.find((candidate) => candidate.tokenPx === tokenPx);
    const known = this.maps.map((candidate) => candidate.tokenPx).join(', ');
    if (map === undefined) throw rangeError(`tokenPx: expected one of ${known}; got ${tokenPx}`);
    return map;
  }

  protected select({ values, local }: RelevanceMap, part: RelevancePart): Float32Array {
    if (part === 'all') return values;
    if (part === 'local') return local;
    return values.map((value, i) => (part === 'global' ? value - (local[i] ?? 0) : -value));
  }

  protected planes(): readonly MapPlane[] {
    const { values, local } = this.finest;
    return [
      { name: 'all', values },
      { name: 'local', values: local },
    ];
  }

  protected describe(): Readonly<Record<string, unknown>> {
    return {
      unit: 'relevance',
      total: this.total,
      tokenPx: this.finest.tokenPx,
      localShare: this.maps.map(({ tokenPx, localShare }) => ({ tokenPx, localShare })),
    };
  }
}
