import { type Image, NucleusList, type Rect, renderOverlay, type Slide } from '../index.js';

/** Nuclei that are gathered before they are drawn: each drawing copies the picture once. */
const nucleiPerDrawing = 20_000;

/** A picture of a part of a slide onto which nuclei are drawn as they come; memory does not grow with them. */
export class OutlinePicture {
  readonly #region: Rect;
  /** Level-0 pixels per pixel of the picture. */
  readonly #scale: number;
  #image: Image;
  #waiting: NucleusList[] = [];
  #waitingCount = 0;

  private constructor(image: Image, region: Rect, scale: number) {
    this.#image = image;
    this.#region = region;
    this.#scale = scale;
  }

  /** Reads the region, shrunk so that neither side exceeds `maxSize` pixels. The slide needs an mpp to be shrunk. */
  static async create(slide: Slide, region: Rect, maxSize: number, signal: AbortSignal): Promise<OutlinePicture> {
    const scale = Math.max(1, Math.max(region.width, region.height) / maxSize);
    const size = { width: Math.round(region.width / scale) || 1, height: Math.round(region.height / scale) || 1 };
    const { x, y } = region;
    const image =
      scale === 1 || slide.mpp === null
        ? await slide.readRegion({ ...region, signal })
        : await slide.readAt({ x, y, ...size, mpp: slide.mpp.x * scale, signal });
    return new OutlinePicture(image, region, scale);
  }

  /** Draws these nuclei, now or together with later ones. */
  async add(nuclei: NucleusList, signal: AbortSignal): Promise<void> {
    this.#waiting.push(nuclei);
    this.#waitingCount += nuclei.length;
    if (this.#waitingCount >= nucleiPerDrawing) await this.#draw(signal);
  }

  /** The picture with all outlines. */
  async finish(signal: AbortSignal): Promise<Image> {
    await this.#draw(signal);
    return this.#image;
  }

  async #draw(signal: AbortSignal): Promise<void> {
    if (this.#waitingCount === 0) return;
    const nuclei = NucleusList.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingCount = 0;
    const { x, y } = this.#region;
    const lineWidth = Math.min(2, Math.max(0.75, 2 / this.#scale));
    this.#image = await renderOverlay(this.#image, nuclei, { x, y, scale: this.#scale, lineWidth, signal });
  }
}
