import { typeError } from '../errors.js';
import type { Image } from '../internal/image.js';
import { checkRect, type Rect } from '../internal/rect.js';
import * as validate from '../internal/validate.js';
import { NucleusList } from '../nuclei/nucleus-list.js';
import { Slide } from '../slide/slide.js';
import type { NucleusClass } from './nucleus-writer.js';
import { drawOutlines } from './pictures.js';
import { type Placed, readScaled } from './scaled-picture.js';

/** Nuclei that are gathered before they are drawn: each drawing copies the picture once. */
const nucleiPerDrawing = 20_000;

/** Options of {@link renderSlideOverlay} and {@link SlideOverlay.create}. */
export interface SlideOverlayOptions {
  /**
   * Which part of the slide, in level-0 pixels.
   * @defaultValue the whole slide
   */
  readonly region?: Rect;
  /**
   * Longer side of the picture in pixels; a smaller region is not enlarged. A slide without mpp gives its stored level
   * that comes next, which may be larger.
   * @defaultValue 2048
   */
  readonly maxSize?: number;
  /** Names and colours by class number, for example `model.info.types`: outlines have the colour of their class. */
  readonly classes?: readonly NucleusClass[];
  /**
   * Colour of nuclei without a class.
   * @defaultValue [0, 230, 118]
   */
  readonly color?: readonly [number, number, number];
  /**
   * Width of the lines in pixels of the picture.
   * @defaultValue 2, and down to 0.75 where the slide is shrunk
   */
  readonly lineWidth?: number;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * A picture of a part of a slide onto which nuclei are drawn as they come; memory does not grow with them.
 *
 * @example
 * const overlay = await SlideOverlay.create(slide, { maxSize: 4096, classes: model.info.types });
 * for await (const batch of model.segmentSlide(slide)) await overlay.add(batch);
 * await writeFile('overlay.png', await encodePng(await overlay.finish()));
 */
export class SlideOverlay {
  readonly #placed: Omit<Placed, 'image'>;
  readonly #style: Pick<SlideOverlayOptions, 'classes' | 'color'> & { readonly lineWidth: number };
  #image: Image;
  #waiting: NucleusList[] = [];
  #waitingCount = 0;
  /** Drawings happen one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor({ image, ...placed }: Placed, style: SlideOverlayOptions) {
    const { lineWidth = Math.min(2, Math.max(0.75, 2 / placed.scale)), classes, color } = style;
    this.#image = image;
    this.#placed = placed;
    this.#style = { lineWidth, ...(classes !== undefined && { classes }), ...(color !== undefined && { color }) };
  }

  /**
   * Reads the picture.
   *
   * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  static async create(slide: Slide, options?: SlideOverlayOptions): Promise<SlideOverlay> {
    if (!(slide instanceof Slide)) throw typeError(`slide: expected a Slide, got ${validate.kindOf(slide)}`);
    const given = validate.options('options', options);
    const { region, maxSize = 2048, signal } = given;
    validate.integer('maxSize', maxSize, 1, 65535);
    validate.optional('lineWidth', given.lineWidth, validate.positive);
    const part =
      region === undefined ? { x: 0, y: 0, width: slide.width, height: slide.height } : checkRect('region', region);
    const placed = await readScaled(slide, part, maxSize, signal === undefined ? {} : { signal });
    return new SlideOverlay(placed, given);
  }

  /**
   * Draws these nuclei, now or together with later ones. Later ones lie on top.
   *
   * @throws TypeError, RangeError
   */
  async add(nuclei: NucleusList, options?: { readonly signal?: AbortSignal }): Promise<void> {
    if (!(nuclei instanceof NucleusList)) {
      throw typeError(`nuclei: expected a NucleusList, got ${validate.kindOf(nuclei)}`);
    }
    const { signal } = validate.options('options', options);
    if (nuclei.length === 0) return;
    await this.#inTurn(async () => {
      this.#waiting.push(nuclei);
      this.#waitingCount += nuclei.length;
      if (this.#waitingCount >= nucleiPerDrawing) await this.#draw(signal);
    });
  }

  /**
   * The picture with all outlines so far.
   *
   * @returns RGB
   */
  async finish(options?: { readonly signal?: AbortSignal }): Promise<Image> {
    const { signal } = validate.options('options', options);
    await this.#inTurn(() => this.#draw(signal));
    return this.#image;
  }

  async #inTurn(job: () => Promise<void>): Promise<void> {
    const done = this.#last.then(job);
    this.#last = done.catch(() => {}); // reported to its own caller
    await done;
  }

  async #draw(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waitingCount === 0) return;
    const lists = this.#waiting;
    this.#waiting = [];
    this.#waitingCount = 0;
    const options = { ...this.#placed, ...this.#style, ...(signal !== undefined && { signal }) };
    this.#image = await drawOutlines(this.#image, lists, options);
  }
}

/**
 * A picture of a part of a slide with outlines, in the colours of their classes.
 *
 * @param slide - what lies below
 * @param nuclei - what to outline, in level-0 pixels: one list or many
 * @returns RGB
 * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_DISPOSED`; TypeError, RangeError
 * @example
 * const picture = await renderSlideOverlay(slide, nuclei, { region, classes: model.info.types });
 * await writeFile('overlay.png', await encodePng(picture));
 */
export async function renderSlideOverlay(
  slide: Slide,
  nuclei: NucleusList | Iterable<NucleusList> | AsyncIterable<NucleusList>,
  options?: SlideOverlayOptions,
): Promise<Image> {
  const lists = nuclei instanceof NucleusList ? [nuclei] : nuclei;
  const iterable =
    typeof lists === 'object' && lists !== null && (Symbol.iterator in lists || Symbol.asyncIterator in lists);
  if (!iterable) {
    throw typeError(`nuclei: expected a NucleusList or an iterable of them, got ${validate.kindOf(nuclei)}`);
  }
  const overlay = await SlideOverlay.create(slide, options);
  const stop = options?.signal === undefined ? {} : { signal: options.signal };
  for await (const list of lists) await overlay.add(list, stop);
  return overlay.finish(stop);
}
