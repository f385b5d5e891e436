import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import type { Weights } from '../weights/weights.js';
import { type LoadedPictureModel, loadPictureModel, PictureModel, type PictureModelOptions } from './picture-model.js';
import { checkConfig } from './token-model-info.js';

/** What the shapes of Vim's weights do not tell; names of the published code. */
export interface VisionMambaConfig {
  /**
   * Whether the sum of both directions is halved (the published "div2").
   * @defaultValue true
   */
  readonly if_divide_out?: boolean;
  /**
   * Whether a class token stands behind the first half of the patches, as in the published weights, or before all.
   * @defaultValue true
   */
  readonly use_middle_cls_token?: boolean;
  /**
   * What the head sees when there is no class token: the mean over all patches, or the last one (`'none'`).
   * @defaultValue 'mean'
   */
  readonly final_pool_type?: 'mean' | 'none';
  /**
   * Step between patches in pixels.
   * @defaultValue the patch's side; half of it where that makes the stored positions those of 224 px ("+" models)
   */
  readonly stride?: number;
}

/** Options of {@link VisionMamba.load}. */
export interface VisionMambaOptions extends PictureModelOptions {
  /** What the shapes of the weights do not tell. */
  readonly config?: VisionMambaConfig;
}

/**
 * Vision Mamba, Vim (Zhu et al. 2024, arXiv 2401.09417): patches as a sequence that Mamba blocks scan in both directions.
 *
 * @example
 * await using model = await VisionMamba.load('vim_t_midclstok_76p1acc.pth');
 * const { classIndex, probabilities } = await model.predict(picture); // 224 x 224 px
 */
export class VisionMamba extends PictureModel {
  private constructor(loaded: LoadedPictureModel) {
    super(loaded);
  }

  /**
   * Loads a network: a published `.pth` or safetensors with the same names; `docs/mamba-models.md` lists them. Width,
   * depth, patch and directions follow from the weights.
   *
   * @param weights - a path or open weights (which stay open)
   * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT`, `HISTOJET_SHAPE_MISMATCH` (names and both shapes),
   * `HISTOJET_UNSUPPORTED_FORMAT` (tensors that Vim does not have), `HISTOJET_INVALID_ARGUMENT`,
   * `HISTOJET_DEVICE_UNAVAILABLE`, and whatever {@link Weights.open} throws; TypeError, RangeError
   */
  static async load(weights: string | Weights, options?: VisionMambaOptions): Promise<VisionMamba> {
    const given = validate.options('options', options);
    const config = checkConfig(given.config, ['if_divide_out', 'use_middle_cls_token', 'final_pool_type', 'stride']);
    const { if_divide_out: divide, use_middle_cls_token: middle, final_pool_type: pool, stride } = config;
    const told = {
      divideOut: validate.boolean('config.if_divide_out', divide ?? true),
      middleToken: validate.boolean('config.use_middle_cls_token', middle ?? true),
      lastToken: validate.oneOf('config.final_pool_type', pool ?? 'mean', ['mean', 'none']) === 'none',
      stride: validate.optional('config.stride', stride, validate.integer, 1, 4096),
    };
    return new VisionMamba(
      await loadPictureModel('vision-mamba', weights, given, (source, precision, scale, cancel) =>
        native.visionMambaLoad(source, precision, { ...told, ...scale }, cancel),
      ),
    );
  }
}
