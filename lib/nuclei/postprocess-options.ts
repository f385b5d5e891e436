import { typeError } from '../errors.js';
import * as validate from '../internal/validate.js';
import type { NativePostprocess } from '../native.js';

/** How maps are turned into nuclei. */
export interface PostprocessOptions {
  /**
   * Whose procedure splits the mask into nuclei: HoVer-Net's or HoverFast's.
   * @defaultValue 'hovernet'
   */
  readonly variant?: 'hovernet' | 'hoverfast';
  /**
   * Bit-faithful to the reference program, its defects included; contours then are integer pixel centres.
   * @defaultValue false
   */
  readonly compat?: boolean;
  /**
   * Smallest nucleus, in pixels of the maps.
   * @defaultValue the variant's own: 10 px (HoVer-Net), 85 px (HoverFast)
   */
  readonly minArea?: MinAreaPx;
  /**
   * Simplification of contours in thousandths of their length; 0: none.
   * @defaultValue 6; in compat mode the variant's own: 0 (HoVer-Net), 6 (HoverFast)
   */
  readonly simplify?: number;
}

/** The smallest nucleus in pixels. */
export interface MinAreaPx {
  /** Square pixels at the resolution that the network works at. */
  readonly px: number;
}

/** The smallest nucleus in micrometres. */
export interface MinAreaUm2 {
  /** Square micrometres. */
  readonly um2: number;
}

/** The smallest nucleus, in one of two units. */
export type MinArea = MinAreaPx | MinAreaUm2;

/** Checks a smallest area; exactly one unit must be given. */
export function checkMinArea(value: MinArea | undefined): { px: number | undefined; um2: number | undefined } {
  if (value === undefined) return { px: undefined, um2: undefined };
  if (typeof value !== 'object' || value === null) {
    throw typeError(`minArea: expected { px } or { um2 }, got ${validate.kindOf(value)}`);
  }
  const { px, um2 }: { px?: unknown; um2?: unknown } = value;
  if ((px === undefined) === (um2 === undefined)) throw typeError('minArea: expected either { px } or { um2 }');
  return {
    px: validate.optional('minArea.px', px, validate.number, 0),
    um2: validate.optional('minArea.um2', um2, validate.number, 0),
  };
}

/** Checks what is common to post-processing of maps, pictures and slides. */
export function checkPostprocess(
  options: Omit<PostprocessOptions, 'minArea'>,
  minAreaPx: number | undefined,
): NativePostprocess {
  return {
    variant: validate.oneOf('variant', options.variant ?? 'hovernet', ['hovernet', 'hoverfast']),
    compat: validate.boolean('compat', options.compat ?? false),
    minAreaPx,
    simplify: validate.optional('simplify', options.simplify, validate.number, 0, 1000),
  };
}
