import { join } from 'node:path';
import { packageRoot } from '../native.js';
import type { Weights } from '../weights/weights.js';
import type { ModelOptions } from './model-options.js';
import { type LoadedModel, loadNetwork, NucleiModel } from './nuclei-model.js';

/** The weights that come with the package: trained on synthetic slides, for trying things out. */
export function defaultWeightsPath(): string {
  return join(packageRoot, 'weights', 'hoverfast-synthetic.safetensors');
}

let wrap: (loaded: LoadedModel) => HoverFast;

/**
 * HoverFast: nuclei of H&E at 0.25 micrometres per pixel (Liakopoulos et al. 2024, choosehappy/HoverFast).
 *
 * @example
 * await using model = await HoverFast.load();
 * await using slide = await Slide.open('case-17.svs');
 * for await (const nuclei of model.segmentSlide(slide)) console.log(nuclei.length);
 */
export class HoverFast extends NucleiModel {
  static {
    wrap = (loaded) => new HoverFast(loaded);
  }

  private constructor(loaded: LoadedModel) {
    super(loaded);
  }

  /**
   * Loads a network of any published configuration: the original `.pth` or safetensors with the same names.
   *
   * @param weights - a path or open weights (which stay open); without them the packaged ones, see
   * {@link defaultWeightsPath}
   * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT`, `HISTOJET_SHAPE_MISMATCH` (names and both shapes),
   * `HISTOJET_DEVICE_UNAVAILABLE`, and whatever {@link Weights.open} throws; TypeError, RangeError
   */
  static async load(weights?: string | Weights, options?: ModelOptions): Promise<HoverFast> {
    return new HoverFast(await loadNetwork('hoverfastLoad', weights ?? defaultWeightsPath(), options));
  }
}

/** A loaded network that is known to be a HoverFast. */
export function wrapHoverFast(loaded: LoadedModel): HoverFast {
  return wrap(loaded);
}
