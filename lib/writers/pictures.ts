import { withPicture } from '../internal/array-copy.js';
import { callNative } from '../internal/call.js';
import { checkImage, type Image, type ImageInput } from '../internal/image.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { type NucleusList, nucleiHandle } from '../nuclei/nucleus-list.js';
import type { NucleusClass } from './nucleus-writer.js';

/** Options of {@link renderOverlay}. */
export interface OverlayOptions {
  /**
   * Left edge of the picture in the nuclei's coordinates (level-0 pixels).
   * @defaultValue 0
   */
  readonly x?: number;
  /**
   * Upper edge of the picture in the nuclei's coordinates (level-0 pixels).
   * @defaultValue 0
   */
  readonly y?: number;
  /**
   * Level-0 pixels per pixel of the picture.
   * @defaultValue 1
   */
  readonly scale?: number;
  /**
   * The same downwards, for slides whose pixels are not square.
   * @defaultValue that of `scale`
   */
  readonly scaleY?: number;
  /**
   * Names and colours by class number, for example `model.info.types`: nuclei of these classes have their colours.
   * @defaultValue none: all have the same colour
   */
  readonly classes?: readonly NucleusClass[];
  /**
   * Colour of nuclei without a class: red, green, blue, 0 to 255.
   * @defaultValue [0, 230, 118]
   */
  readonly color?: readonly [number, number, number];
  /**
   * Width of the lines in pixels of the picture; they are smooth.
   * @defaultValue 1.5
   */
  readonly lineWidth?: number;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Draws outlines onto a copy of a picture.
 *
 * @param image - what lies below; alpha is composited on white
 * @param nuclei - what to outline
 * @returns RGB of the same size
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`; TypeError, RangeError
 */
export async function renderOverlay(image: ImageInput, nuclei: NucleusList, options?: OverlayOptions): Promise<Image> {
  return drawOutlines(image, [nuclei], options);
}

/** {@link renderOverlay} of several lists, later ones on top. */
export async function drawOutlines(
  image: ImageInput,
  lists: readonly NucleusList[],
  options?: OverlayOptions,
): Promise<Image> {
  const checked = checkImage('image', image);
  const handles = lists.map((list) => nucleiHandle(list));
  const given = validate.options('options', options);
  const { x = 0, y = 0, scale = 1, scaleY = scale, classes = [], color, lineWidth = 1.5, signal } = given;
  const overlay = {
    x: validate.number('x', x),
    y: validate.number('y', y),
    scale: validate.positive('scale', scale),
    scaleY: validate.positive('scaleY', scaleY),
    typeColors: classes.map((entry, i) => validate.color(`classes[${i}].color`, entry.color)),
    color: validate.optional('color', color, validate.color),
    lineWidth: validate.positive('lineWidth', lineWidth),
  };
  return callNative(signal, (cancel) =>
    withPicture(checked, (picture) => native.renderOverlay(picture, handles, overlay, cancel)),
  );
}

/**
 * A picture as a PNG file. Deterministic.
 *
 * @param image - RGB or RGBA
 * @param options - `level`: effort from 0 to 9, default 6
 * @returns the bytes of the file
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`; TypeError, RangeError
 */
export async function encodePng(
  image: ImageInput,
  options?: { readonly level?: number; readonly signal?: AbortSignal },
): Promise<Uint8Array> {
  const checked = checkImage('image', image);
  const { level = 6, signal } = validate.options('options', options);
  validate.integer('level', level, 0, 9);
  return callNative(signal, (cancel) => withPicture(checked, (picture) => native.encodePng(picture, level, cancel)));
}
