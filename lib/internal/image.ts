import { HistojetError, typeError } from '../errors.js';
import type { NativeImage } from '../native.js';
import * as validate from './validate.js';

/** A picture of 8-bit pixels, interleaved, row by row without padding. */
export interface Image {
  /** [height, width, channels] */
  readonly data: Uint8Array;
  /** Pixels per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 3: RGB. 4: RGB with straight (not premultiplied) alpha. */
  readonly channels: 3 | 4;
}

/**
 * A picture as users bring it: any {@link Image}, the raw output of sharp, or an ImageData with `channels: 4`. Up to 1 MiB
 * of pixels are copied when a call begins; more are copied in pieces while the event loop goes on, so leave them as they
 * are until the call's promise settles.
 */
export interface ImageInput {
  /** [height, width, channels], 8 bits each. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** Pixels per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** 3: RGB. 4: RGB with straight alpha, composited on white where a network or a picture of three channels needs it. */
  readonly channels: 3 | 4;
}

/** Checks a picture; its pixels are copied when the native call begins, see {@link withPictures} for large ones. */
export function checkImage(name: string, value: ImageInput): NativeImage {
  if (typeof value !== 'object' || value === null) {
    throw typeError(`${name}: expected { data, width, height, channels }, got ${validate.kindOf(value)}`);
  }
  const { data } = value;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw typeError(`${name}.data: expected a Uint8Array or Uint8ClampedArray, got ${validate.kindOf(data)}`);
  }
  const width = validate.integer(`${name}.width`, value.width, 1);
  const height = validate.integer(`${name}.height`, value.height, 1);
  const channels = validate.integer(`${name}.channels`, value.channels, 3, 4) as 3 | 4;
  if (data.length !== width * height * channels) {
    throw new HistojetError(
      'HISTOJET_SHAPE_MISMATCH',
      `${name}.data holds ${data.length} bytes, expected width x height x channels = ` +
        `${width} x ${height} x ${channels} = ${width * height * channels}`,
    );
  }
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { data: bytes, width, height, channels };
}
