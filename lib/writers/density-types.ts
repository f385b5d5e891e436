import type { Rect } from '../internal/rect.js';
import type { NucleusClass } from './nucleus-writer.js';

/** Where the nuclei of a {@link DensityMap} lie: a slide, or its size and resolution. */
export interface DensitySource {
  /** Level-0 pixels. */
  readonly width: number;
  /** Level-0 pixels. */
  readonly height: number;
  /** Micrometres per level-0 pixel. */
  readonly mpp: number | { readonly x: number; readonly y: number } | null;
}

/** Options of {@link DensityMap}. */
export interface DensityMapOptions {
  /**
   * Side of a cell in micrometres. Cells are stretched or shrunk by less than half a cell over the whole width and
   * height, so that a whole number of them fills the region: the map shows exactly what the region shows.
   * @defaultValue 32
   */
  readonly cellUm?: number;
  /**
   * Which part to cover, in level-0 pixels; cut to the slide. QuPath shows the slide's bounds: take `slide.bounds` for
   * maps that lie on top of it.
   * @defaultValue the whole slide
   */
  readonly region?: Rect;
  /**
   * Names and colours by class number, for example `model.info.types`: each class is then counted on its own as well.
   * @defaultValue none: only the total is counted
   */
  readonly classes?: readonly NucleusClass[];
}

/** Which density {@link DensityMap.values} gives. */
export interface DensityValuesOptions {
  /**
   * Class by number.
   * @defaultValue nuclei of all classes
   */
  readonly type?: number;
  /**
   * Standard deviation of a Gaussian in micrometres, at most 1000 cells; 0: no smoothing. Borders are mirrored, so that
   * nothing is lost to the outside.
   * @defaultValue 0
   */
  readonly smoothUm?: number;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Density by cell. */
export interface DensityValues {
  /** [height, width] nuclei per square millimetre. */
  readonly data: Float32Array;
  /** Cells per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Size of a cell in level-0 pixels. */
  readonly cellPx: { readonly x: number; readonly y: number };
}

/** How numbers become colours. `'viridis'` and `'inferno'` are perceptually even; `'gray'` goes from black to white. */
export type Colormap = 'viridis' | 'inferno' | 'gray';

/** Options of {@link DensityMap.render}. */
export interface DensityRenderOptions extends Omit<DensityValuesOptions, 'smoothUm'> {
  /**
   * Standard deviation of a Gaussian in micrometres; 0: no smoothing.
   * @defaultValue that of one cell
   */
  readonly smoothUm?: number;
  /**
   * The colours.
   * @defaultValue 'viridis'
   */
  readonly colormap?: Colormap;
  /**
   * Nuclei per square millimetre that have the last colour; the first colour is 0.
   * @defaultValue the 99.5th percentile of the cells with nuclei
   */
  readonly max?: number;
}

/** Options of {@link DensityMap.saveTiff}. */
export interface DensityTiffOptions extends DensityRenderOptions {
  /**
   * `'colors'`: RGB on white. `'values'`: grey levels, 255 standing for `max`, without colours.
   * @defaultValue 'colors'
   */
  readonly content?: 'colors' | 'values';
  /**
   * How tiles are packed; both keep every pixel.
   * @defaultValue 'deflate'
   */
  readonly compression?: 'deflate' | 'zstd';
}
