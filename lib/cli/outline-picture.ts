import { type Image, type NucleusClass, type NucleusList, type Rect, type Slide, SlideOverlay } from '../index.js';

/** The picture of `--overlay`: a part of a slide onto which nuclei are drawn as they come. */
export class OutlinePicture {
  readonly #overlay: SlideOverlay;

  private constructor(overlay: SlideOverlay) {
    this.#overlay = overlay;
  }

  /**
   * Reads the region, shrunk so that neither side exceeds `maxSize` pixels. With `classes` (by number) outlines have
   * the colours of their classes.
   */
  static async create(
    slide: Slide,
    region: Rect,
    maxSize: number,
    signal: AbortSignal,
    classes: readonly NucleusClass[] = [],
  ): Promise<OutlinePicture> {
    return new OutlinePicture(await SlideOverlay.create(slide, { region, maxSize, classes, signal }));
  }

  /** Draws these nuclei, now or together with later ones. */
  async add(nuclei: NucleusList, signal: AbortSignal): Promise<void> {
    await this.#overlay.add(nuclei, { signal });
  }

  /** The picture with all outlines. */
  async finish(signal: AbortSignal): Promise<Image> {
    return this.#overlay.finish({ signal });
  }
}
