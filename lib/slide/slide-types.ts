import type { Rect } from '../internal/rect.js';

/** Options of {@link Slide.open}. */
export interface SlideOptions {
  /**
   * Micrometres per level-0 pixel, in place of what the file says or does not say. A file `<slide>.histojet.json` beside
   * a local slide with `{ "mpp": 0.25 }` (or `{ "mpp": { "x": 0.25, "y": 0.25 } }`) does the same for everybody who
   * opens it.
   */
  readonly mpp?: number;
  /**
   * Damaged tiles become background and a warning instead of an error.
   * @defaultValue false
   */
  readonly tolerant?: boolean;
  /**
   * Decoded tiles that are kept, in bytes.
   * @defaultValue 67108864 (64 MiB)
   */
  readonly maxCacheBytes?: number;
  /**
   * Formats that histojet does not read itself (MIRAX, Hamamatsu VMS, …) go to an installed OpenSlide: `'auto'` looks
   * for the system's library, `'off'` never asks it, anything else is the path of the library. OpenSlide can end the
   * process on hostile files, so switch it off for untrusted ones. Local files only.
   * @defaultValue 'auto'
   */
  readonly openslide?: 'auto' | 'off' | (string & {});
  /**
   * For addresses: headers of every request, credentials for example. They are sent to the address's own origin only,
   * not to where it redirects, and never appear in messages.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * For addresses: how long a request may go without a byte, in milliseconds.
   * @defaultValue 30000
   */
  readonly timeoutMs?: number;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** One resolution of a slide; level 0 is full resolution. */
export interface SlideLevel {
  /** Pixels of this level. */
  readonly width: number;
  /** Pixels of this level. */
  readonly height: number;
  /** Level-0 pixels per pixel, the mean of both directions; not rounded. */
  readonly downsample: number;
  /** Size in which the file stores this level, pixels. */
  readonly tileWidth: number;
  /** Size in which the file stores this level, pixels. */
  readonly tileHeight: number;
}

/** Micrometres per level-0 pixel and who says so. */
export interface SlideMpp {
  /** Horizontally. */
  readonly x: number;
  /** Vertically. */
  readonly y: number;
  /**
   * `'vendor'`: the scanner's own entry. `'tiff-resolution'`: the resolution tags. `'objective-power'`: guessed from
   * the magnification. `'companion'`: a file beside the slide. `'override'`: the option of {@link Slide.open}.
   */
  readonly source: 'vendor' | 'tiff-resolution' | 'objective-power' | 'companion' | 'override';
}

/** A stored tile that a tolerant slide met damaged. */
export interface DamagedTile {
  /** Level of the tile. */
  readonly level: number;
  /** Place in the level's grid of stored tiles, from 0. */
  readonly column: number;
  /** Place in the level's grid of stored tiles, from 0. */
  readonly row: number;
  /** True: nothing of it could be shown. False: it is shown as far as it decodes. */
  readonly lost: boolean;
  /** What is wrong with it. */
  readonly reason: string;
}

/** What to read with {@link Slide.readRegion}. */
export interface RegionRequest {
  /** Left edge; level-0 pixels, or pixels of `level` with `coordinates: 'level'`. May lie outside the slide. */
  readonly x: number;
  /** Upper edge, in the same unit. */
  readonly y: number;
  /** Pixels of `level`. */
  readonly width: number;
  /** Pixels of `level`. */
  readonly height: number;
  /**
   * Which resolution to read.
   * @defaultValue 0
   */
  readonly level?: number;
  /**
   * 3: RGB composited on `background`. 4: straight alpha, transparent outside the slide.
   * @defaultValue 3
   */
  readonly channels?: 3 | 4;
  /**
   * Unit of `x` and `y`. Level-0 positions are snapped to whole pixels of the level.
   * @defaultValue 'level0'
   */
  readonly coordinates?: 'level0' | 'level';
  /**
   * `'bilinear'` blends at the exact position where `'nearest'` snaps.
   * @defaultValue 'nearest'
   */
  readonly resample?: 'nearest' | 'bilinear';
  /**
   * Colour behind transparent pixels, 0 to 255 each.
   * @defaultValue the slide's own background, or white
   */
  readonly background?: readonly [number, number, number];
  /** An array of width x height x channels bytes that receives the pixels and becomes the result's `data`. */
  readonly out?: Uint8Array;
  /**
   * `'srgb'`: colours are converted from the slide's ICC profile to sRGB; a slide without a profile stays as it is.
   * @defaultValue the stored colours
   */
  readonly icc?: 'srgb';
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What to read with {@link Slide.readAt}. */
export interface ReadAtRequest {
  /** Left edge in level-0 pixels; fractions are allowed. */
  readonly x: number;
  /** Upper edge in level-0 pixels; fractions are allowed. */
  readonly y: number;
  /** Pixels of the result. */
  readonly width: number;
  /** Pixels of the result. */
  readonly height: number;
  /** Micrometres per pixel of the result. */
  readonly mpp: number;
  /**
   * 3: RGB composited on the background. 4: straight alpha.
   * @defaultValue 3
   */
  readonly channels?: 3 | 4;
  /**
   * `'srgb'`: colours are converted from the slide's ICC profile to sRGB; a slide without a profile stays as it is.
   * @defaultValue the stored colours
   */
  readonly icc?: 'srgb';
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Where there is tissue. */
export interface TissueMask {
  /** Pixels of the mask. */
  readonly width: number;
  /** Pixels of the mask. */
  readonly height: number;
  /** Level-0 pixels per pixel of the mask. */
  readonly downsample: number;
  /** `[height, width]`: 1 tissue, 0 background. */
  readonly data: Uint8Array;
}

/** Options of {@link Slide.tissueMask}. */
export interface TissueOptions {
  /**
   * Resolution of the mask in micrometres per pixel.
   * @defaultValue 8
   */
  readonly mpp?: number;
  /**
   * How tissue is told from glass: Otsu's threshold on the optical density of the stain.
   * @defaultValue 'otsu'
   */
  readonly method?: 'otsu';
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Slide.tiles}. */
export interface TilesOptions {
  /**
   * Side of a tile in pixels of the wanted resolution.
   * @defaultValue 512
   */
  readonly size?: number;
  /**
   * Pixels that neighbours share; the grid's step is size - overlap.
   * @defaultValue 0
   */
  readonly overlap?: number;
  /** Wanted resolution in micrometres per pixel; not together with `level`. */
  readonly mpp?: number;
  /**
   * Level to read; not together with `mpp`.
   * @defaultValue 0
   */
  readonly level?: number;
  /**
   * Keeps tiles with tissue only: by this mask, or (true) by the mask that {@link Slide.tissueMask} makes.
   * @defaultValue false
   */
  readonly tissue?: TissueMask | boolean;
  /**
   * Share of tissue (0 to 1) from which a tile is kept.
   * @defaultValue 0.1
   */
  readonly minTissue?: number;
  /**
   * Part of the slide in level-0 pixels; the grid starts at its corner.
   * @defaultValue the whole slide
   */
  readonly region?: Rect;
  /**
   * Tiles that are read before the loop asks for them.
   * @defaultValue 4
   */
  readonly readAhead?: number;
  /**
   * `'srgb'`: colours are converted from the slide's ICC profile to sRGB; a slide without a profile stays as it is.
   * @defaultValue the stored colours
   */
  readonly icc?: 'srgb';
  /** Stops the loop, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
}
