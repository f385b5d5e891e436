import type { ImageInput } from '../internal/image.js';
import * as validate from '../internal/validate.js';
import type { Weights } from '../weights/weights.js';
import type { ModelOptions } from './model-options.js';
import { type LoadedModel, loadNetwork, NucleiModel, type PredictedMaps, type PredictOptions } from './nuclei-model.js';

/** Options of {@link HoverNet.predict}. */
export interface HoverNetPredictOptions extends PredictOptions {
  /**
   * Side of the patches that go through the network, in pixels: multiples of 8 from 96 on (mode fast), multiples of 8
   * plus 6 from 198 on (mode original). Larger patches cost less per pixel and give slightly different maps, because the
   * network pads inside.
   * @defaultValue the reference's, 256 or 270
   */
  readonly patchSize?: number;
}

let wrap: (loaded: LoadedModel) => HoverNet;

/**
 * HoVer-Net: nuclei and their classes in H&E at 0.25 micrometres per pixel (Graham et al. 2019, vqdang/hover_net), modes
 * fast and original, on pictures and whole slides.
 *
 * @example
 * await using model = await HoverNet.load('hovernet_fast_pannuke_type_tf2pytorch.tar');
 * await using slide = await Slide.open('case-17.svs');
 * for await (const nuclei of model.segmentSlide(slide)) {
 *   for (const { type } of nuclei) console.log(model.info.types[type ?? 0]?.name);
 * }
 */
export class HoverNet extends NucleiModel {
  static {
    wrap = (loaded) => new HoverNet(loaded);
  }

  private constructor(loaded: LoadedModel) {
    super(loaded);
  }

  /**
   * Loads a network of either mode, with or without classes: the published `.tar`, TIAToolbox's `.pth`, or safetensors
   * with the same names. Mode and number of classes follow from the tensors; names and colours of the classes come from
   * the metadata `type_info`, and `mpp` from the metadata of that name.
   *
   * @param weights - a path or open weights (which stay open)
   * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT`, `HISTOJET_SHAPE_MISMATCH` (names and both shapes),
   * `HISTOJET_UNSUPPORTED_FORMAT` (HoVer-Net+, tensors that HoVer-Net does not have), `HISTOJET_DEVICE_UNAVAILABLE`, and
   * whatever {@link Weights.open} throws; TypeError, RangeError
   */
  static async load(weights: string | Weights, options?: ModelOptions): Promise<HoverNet> {
    return new HoverNet(await loadNetwork('hovernetLoad', weights, options));
  }

  /**
   * The network alone: raw maps of a picture of any size, or of several pictures of one size. The picture is mirrored
   * around its border and goes through the network in patches whose maps lie side by side, as in the reference.
   *
   * @param image - RGB, or RGBA composited on white, at the network's resolution
   * @returns maps of the picture's size as tensors, `tp` for networks with classes
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (a patch that the network does not take),
   * `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_OUT_OF_MEMORY`, `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  override async predict(
    image: ImageInput | readonly ImageInput[],
    options?: HoverNetPredictOptions,
  ): Promise<PredictedMaps> {
    const given = validate.options('options', options);
    const patchPx = validate.optional('patchSize', given.patchSize, validate.integer, 96, 4096) ?? 0;
    return this.predictPatches(image, given, patchPx);
  }
}

/** A loaded network that is known to be a HoVer-Net. */
export function wrapHoverNet(loaded: LoadedModel): HoverNet {
  return wrap(loaded);
}
