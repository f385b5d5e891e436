import { rangeError, typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { type ColorTableHandle, type NativeBatch, native, type SlideHandle } from '../native.js';
import { type Tensor, wrapTensor } from '../tensor/tensor.js';
import { checkIcc } from './color-profile.js';

/** What {@link Slide.readBatch} reads. */
export interface BatchRequest {
  /** Upper left corners in level-0 pixels; fractions count with `mpp` only. */
  readonly positions: readonly { readonly x: number; readonly y: number }[];
  /** Pixels of each window at the wanted resolution. */
  readonly width: number;
  /** Pixels of each window at the wanted resolution. */
  readonly height: number;
  /** Wanted resolution in micrometres per pixel; not together with `level`. */
  readonly mpp?: number;
  /**
   * Level to read, corners snapped to its pixels; not together with `mpp`.
   * @defaultValue 0
   */
  readonly level?: number;
  /**
   * `'nhwc'`: [batch, height, width, 3]. `'nchw'`: [batch, 3, height, width].
   * @defaultValue 'nhwc'
   */
  readonly layout?: 'nhwc' | 'nchw';
  /**
   * Given: float32 values (pixel / 255 - mean) / std per channel R, G, B, as networks want them. Without: the bytes.
   */
  readonly normalize?: {
    readonly mean: readonly [number, number, number];
    readonly std: readonly [number, number, number];
  };
  /**
   * Converts from the slide's ICC profile, if it has one, to sRGB with the profile's rendering intent, before `normalize`.
   * @defaultValue undefined: the colours as they are stored
   */
  readonly icc?: 'srgb';
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

function threeNumbers(name: string, value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length !== 3) throw typeError(`${name}: expected three numbers for R, G and B`);
  return value.map((item, i) => validate.number(`${name}[${i}]`, item));
}

/** The corners as x, y in turn. */
function flatPositions(positions: BatchRequest['positions']): Float64Array {
  if (!Array.isArray(positions)) throw typeError(`positions: expected an array, got ${validate.kindOf(positions)}`);
  if (positions.length === 0) throw rangeError('positions: expected at least one position, got none');
  const flat = new Float64Array(2 * positions.length);
  for (const [i, position] of positions.entries()) {
    flat[2 * i] = validate.number(`positions[${i}].x`, position?.x);
    flat[2 * i + 1] = validate.number(`positions[${i}].y`, position?.y);
  }
  return flat;
}

/** What a batch needs to know of its slide. */
interface BatchSlide {
  readonly handle: SlideHandle;
  readonly levelCount: number;
  /** What `icc` asks for. */
  readonly colorTable: (
    icc: 'srgb' | undefined,
    signal: AbortSignal | undefined,
  ) => Promise<ColorTableHandle | undefined>;
}

/** The work behind {@link Slide.readBatch}. */
export async function readBatch(slide: BatchSlide, request: BatchRequest): Promise<Tensor> {
  const { positions, mpp, level, layout = 'nhwc', normalize, icc, signal } = validate.options('request', request);
  if (mpp !== undefined && level !== undefined) throw typeError('mpp, level: expected one of the two, got both');
  const batch: NativeBatch = {
    positions: flatPositions(positions),
    width: validate.integer('width', request.width, 1, 32768),
    height: validate.integer('height', request.height, 1, 32768),
    mpp: validate.optional('mpp', mpp, validate.positive),
    level: validate.optional('level', level, validate.integer, 0, slide.levelCount - 1),
    planar: validate.oneOf('layout', layout, ['nhwc', 'nchw']) === 'nchw',
    mean: normalize && threeNumbers('normalize.mean', normalize.mean),
    std: normalize && threeNumbers('normalize.std', normalize.std),
  };
  const colors = await slide.colorTable(checkIcc(icc), signal);
  return wrapTensor(await callNative(signal, (cancel) => native.slideReadBatch(slide.handle, batch, cancel, colors)));
}
