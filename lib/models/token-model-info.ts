import { HistojetError, typeError } from '../errors.js';
import { recordOf } from '../internal/call.js';
import type { NativeTokenModelInfo } from '../internal/native-token-models.js';
import * as validate from '../internal/validate.js';
import type { ModelOptions, Precision } from './model-options.js';

/** What is really used. */
export interface TokenModelInfo {
  /** Name of the network. */
  readonly architecture: 'vision-mamba' | 'vmamba' | 'mamba-mil';
  /** Hyper-parameters, named as in the published code: those that the shapes tell, and those that were given. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where it computes. */
  readonly device: 'cpu';
  /** Instructions: `'scalar'`, `'avx2'`, `'avx512'`, `'avx512bf16'` or `'amx'`. */
  readonly isa: string;
  /** How it computes. */
  readonly precision: Precision;
  /** Trained numbers. */
  readonly parameters: number;
  /** Packed weights in memory. */
  readonly memoryBytes: number;
  /** Number of classes or of time intervals; 0 for a network without head. */
  readonly outputs: number;
  /** Names of the outputs as they were given; empty without. */
  readonly labels: readonly string[];
  /** The checkpoint. */
  readonly weights: {
    /** The file. */
    readonly path: string;
    /** `'sha256:…'` over the file. */
    readonly sha256: string;
  };
}

/** Options of loading that the networks over tokens share. */
export interface TokenModelOptions extends ModelOptions {
  /**
   * Names of the classes, or of the intervals of time: as many as the network has outputs. Checkpoints hold none.
   * @defaultValue none
   */
  readonly labels?: readonly string[];
}

/** A class out of several. */
export interface ChosenClass {
  /** Number of the most probable class, from 0; the first of equals, and -1 for a network without head. */
  readonly classIndex: number;
  /** Its name, where `labels` were given. */
  readonly label?: string;
  /** Softmax of the logits. */
  readonly probabilities: Float64Array;
}

/** Names of outputs, copied. */
export function checkLabels(labels: readonly string[] | undefined): readonly string[] {
  if (labels === undefined) return Object.freeze([]);
  if (!Array.isArray(labels)) throw typeError(`labels: expected an array of strings, got ${validate.kindOf(labels)}`);
  return Object.freeze(labels.map((label, i) => validate.text(`labels[${i}]`, label)));
}

/** The configuration that a user gave. Unknown keys are errors: they are of another network, or mistyped. */
export function checkConfig<Config extends object>(
  config: Config | undefined,
  known: readonly (keyof Config & string)[],
): Config {
  const given = validate.options('config', config);
  for (const key of Object.keys(given)) {
    if (known.some((name) => name === key)) continue;
    throw new HistojetError(
      'HISTOJET_INVALID_ARGUMENT',
      `config.${key}: unknown; what the shapes of the weights do not tell is ${known.join(', ')}`,
    );
  }
  return given;
}

/** `info` of a network, from what the addon says and what was given. @throws HistojetError for a wrong number of labels */
export function tokenModelInfo(
  architecture: TokenModelInfo['architecture'],
  { config, ...told }: NativeTokenModelInfo,
  given: {
    readonly weights: TokenModelInfo['weights'];
    readonly labels: readonly string[];
    readonly config?: Readonly<Record<string, unknown>>;
  },
): TokenModelInfo {
  const { labels, weights } = given;
  if (labels.length > 0 && labels.length !== told.outputs) {
    throw new HistojetError(
      'HISTOJET_INVALID_ARGUMENT',
      `labels: got ${labels.length} names, the network has ${told.outputs} outputs`,
    );
  }
  const shown = Object.entries(recordOf(config)).map(([name, json]) => [name, JSON.parse(json) as unknown]);
  return Object.freeze({
    architecture,
    device: 'cpu',
    ...told,
    config: Object.freeze({ ...Object.fromEntries(shown), ...given.config }),
    labels,
    weights,
  });
}

/** The most probable class with its name. */
export function chosenClass(probabilities: Float64Array, labels: readonly string[]): ChosenClass {
  const classIndex = probabilities.reduce((best, value, i) => (value > (probabilities[best] ?? -1) ? i : best), -1);
  const label = labels[classIndex];
  return { classIndex, ...(label !== undefined && { label }), probabilities };
}
