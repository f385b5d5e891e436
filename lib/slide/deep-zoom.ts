import { rangeError } from '../errors.js';
import { callNative, callSync } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { type ColorTableHandle, type DeepZoomHandle, native, type SlideHandle } from '../native.js';
import { checkIcc } from './color-profile.js';

/** Options of {@link Slide.deepZoom}. */
export interface DeepZoomOptions {
  /**
   * Side of a tile in pixels, without its overlap.
   * @defaultValue 254
   */
  readonly tileSize?: number;
  /**
   * Pixels that a tile shares with each neighbour.
   * @defaultValue 1
   */
  readonly overlap?: number;
  /**
   * How tiles are encoded.
   * @defaultValue 'jpeg'
   */
  readonly format?: 'jpeg' | 'png';
  /**
   * JPEG quality, 1 to 100; from 90 on the colours are not subsampled.
   * @defaultValue 80
   */
  readonly quality?: number;
  /**
   * Shows only the part that was scanned ({@link Slide.bounds}).
   * @defaultValue false
   */
  readonly limitBounds?: boolean;
  /** `'srgb'`: colours are converted from the slide's ICC profile to sRGB. */
  readonly icc?: 'srgb';
}

/** One level of a {@link DeepZoom} pyramid. */
export interface DeepZoomLevel {
  /** Pixels of this level. */
  readonly width: number;
  /** Pixels of this level. */
  readonly height: number;
  /** Tiles per row. */
  readonly columns: number;
  /** Rows of tiles. */
  readonly rows: number;
}

/** What the pyramid needs of its slide. */
export interface DeepZoomSlide {
  /** The handle. @throws HistojetError HISTOJET_DISPOSED */
  open(): SlideHandle;
  colorTable(icc: 'srgb' | undefined, signal: AbortSignal | undefined): Promise<ColorTableHandle | undefined>;
}

/**
 * A slide as a Deep Zoom pyramid (DZI), as viewers such as OpenSeadragon read it, with the geometry of OpenSlide's
 * `DeepZoomGenerator`: each level has half the sides of the next one, rounded up, down to 1 x 1.
 */
export class DeepZoom {
  /** Levels; the first one is 1 x 1, the last one full resolution. */
  readonly levels: readonly DeepZoomLevel[];
  /** Side of a tile in pixels, without its overlap. */
  readonly tileSize: number;
  /** Pixels that a tile shares with each neighbour. */
  readonly overlap: number;
  /** How tiles are encoded. */
  readonly format: 'jpeg' | 'png';
  readonly #slide: DeepZoomSlide;
  readonly #handle: DeepZoomHandle;
  readonly #icc: 'srgb' | undefined;

  /** Use {@link Slide.deepZoom}. */
  constructor(slide: DeepZoomSlide, options: DeepZoomOptions) {
    const { tileSize = 254, overlap = 1, format = 'jpeg', quality = 80, limitBounds = false, icc } = options;
    const checked = {
      tileSize: validate.integer('tileSize', tileSize, 1, 8192),
      overlap: validate.integer('overlap', overlap, 0, 1024),
      format: validate.oneOf('format', format, ['jpeg', 'png']),
      quality: validate.integer('quality', quality, 1, 100),
      limitBounds: validate.boolean('limitBounds', limitBounds),
    };
    this.#icc = checkIcc(icc);
    this.#slide = slide;
    this.#handle = callSync(() => native.deepZoomOpen(slide.open(), checked));
    this.levels = Object.freeze(native.deepZoomLevels(this.#handle).map((level) => Object.freeze(level)));
    this.tileSize = checked.tileSize;
    this.overlap = checked.overlap;
    this.format = checked.format;
  }

  /** The descriptor: what `NAME.dzi` holds beside a folder `NAME_files/LEVEL/COLUMN_ROW.FORMAT`. */
  descriptor(): string {
    const { width, height } = this.levels[this.levels.length - 1] as DeepZoomLevel;
    return (
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
      `<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="${this.format}" ` +
      `Overlap="${this.overlap}" TileSize="${this.tileSize}"><Size Width="${width}" Height="${height}"/></Image>\n`
    );
  }

  /**
   * One tile, composited on the slide's background.
   *
   * @param level - index into {@link DeepZoom.levels}
   * @returns a JPEG or PNG file
   * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_DISPOSED` (the slide is closed);
   * TypeError; RangeError for a tile that does not exist
   */
  async tile(
    level: number,
    column: number,
    row: number,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Uint8Array> {
    this.#slide.open();
    const { columns, rows } = this.levels[validate.integer('level', level, 0, this.levels.length - 1)] as DeepZoomLevel;
    validate.integer('column', column, 0);
    validate.integer('row', row, 0);
    if (column >= columns || row >= rows) {
      throw rangeError(`level ${level} has ${columns} x ${rows} tiles; there is no tile ${column}, ${row}`);
    }
    const { signal } = validate.options('options', options);
    const colors = await this.#slide.colorTable(this.#icc, signal);
    return callNative(signal, (cancel) => native.deepZoomTile(this.#handle, level, column, row, cancel, colors));
  }
}
