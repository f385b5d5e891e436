import { HistojetError, rangeError } from '../errors.js';
import type { NativeTokenModelInfo, NativeVMambaOptions } from '../internal/native-token-models.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import type { Weights } from '../weights/weights.js';
import { type LoadedPictureModel, loadPictureModel, PictureModel, type PictureModelOptions } from './picture-model.js';
import { checkConfig } from './token-model-info.js';

/** What the shapes of VMamba's weights do not tell. */
export interface VMambaConfig {
  /**
   * Kind of mixer, as `SSM_FORWARDTYPE` in the published configurations names it. First the order of the scans: `v0`,
   * `v2`, `v3`, `v05` (rows and columns, both ways), `v051d` (four times row by row), `v052d` (rows, both ways). Then,
   * in any order, `_noz` (no gate), `_nozact` (a gate without SiLU), `_oact` (GELU behind the norm), `_no32`.
   * @defaultValue `'v05_noz'`, or `'v05'` where the weights hold a gate
   */
  readonly forward_type?: string;
}

/** Options of {@link VMamba.load}. */
export interface VMambaOptions extends PictureModelOptions {
  /** What the shapes of the weights do not tell. */
  readonly config?: VMambaConfig;
}

const scans: Readonly<Record<string, NativeVMambaOptions['scan']>> = {
  v0: 'cross',
  v2: 'cross',
  v3: 'cross',
  v05: 'cross',
  v051d: 'unidirectional',
  v052d: 'bidirectional',
};
const suffixes = ['noz', 'nozact', 'oact', 'no32'];

/** What the name of a kind of mixer says. `gated`: nothing where it does not matter. */
function parseForwardType(name: string | undefined) {
  if (name === undefined) return { scan: 'cross', gateSilu: true, outGelu: false, gated: undefined } as const;
  const [base = '', ...given] = validate.text('config.forward_type', name).split('_');
  const scan = Object.hasOwn(scans, base) ? scans[base] : undefined;
  if (scan === undefined || !given.every((suffix) => suffixes.includes(suffix))) {
    throw rangeError(
      `config.forward_type: expected ${Object.keys(scans).join(', ')}, followed by any of _${suffixes.join(', _')}; ` +
        `got '${name}'`,
    );
  }
  return {
    scan,
    gateSilu: !given.includes('nozact'),
    outGelu: given.includes('oact'),
    gated: !given.includes('noz'),
  } as const;
}

/**
 * VMamba (Liu et al. 2024, arXiv 2401.10166): stages of blocks that scan the grid of patches along rows and columns.
 *
 * @example
 * await using model = await VMamba.load('vssm1_tiny_0230s_ckpt_epoch_264.pth');
 * const { classIndex, features } = await model.predict(picture);
 */
export class VMamba extends PictureModel {
  private constructor(loaded: LoadedPictureModel) {
    super(loaded);
  }

  /**
   * Loads a network: a published `.pth` or safetensors with the same names, also those of the first release;
   * `docs/mamba-models.md` lists them. Widths, depths and states follow from the weights.
   *
   * @param weights - a path or open weights (which stay open)
   * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT`, `HISTOJET_SHAPE_MISMATCH` (names and both shapes),
   * `HISTOJET_UNSUPPORTED_FORMAT` (tensors that VMamba does not have), `HISTOJET_INVALID_ARGUMENT` (a gate where
   * `forward_type` has none, or the other way round), `HISTOJET_DEVICE_UNAVAILABLE`, and whatever {@link Weights.open}
   * throws; TypeError, RangeError
   */
  static async load(weights: string | Weights, options?: VMambaOptions): Promise<VMamba> {
    const given = validate.options('options', options);
    const { forward_type } = checkConfig(given.config, ['forward_type']);
    const { gated, ...told } = parseForwardType(forward_type);
    const configOf = ({ config }: NativeTokenModelInfo) => {
      const stored = config[config.indexOf('gated') + 1] === 'true';
      if (gated !== undefined && gated !== stored) {
        const there = stored ? 'hold a gate' : 'hold no gate (forward types with _noz)';
        throw new HistojetError(
          'HISTOJET_INVALID_ARGUMENT',
          `config.forward_type: got '${forward_type}', but the weights ${there}`,
        );
      }
      return { forward_type: forward_type ?? (stored ? 'v05' : 'v05_noz') };
    };
    return new VMamba(
      await loadPictureModel(
        'vmamba',
        weights,
        given,
        (source, precision, scale, cancel) => native.vmambaLoad(source, precision, { ...told, ...scale }, cancel),
        configOf,
      ),
    );
  }
}
