import { scoreNuclei, scoreNucleusTypes } from '../../index.js';
import { OptionReader, splitArguments } from '../arguments.js';
import { ClassNames } from '../class-names.js';
import type { Command } from '../command.js';
import {
  classificationReport,
  describeEvaluation,
  type EvaluationReport,
  evaluationReport,
} from '../evaluation-report.js';
import { exitCodes, UsageError } from '../exit-codes.js';
import { withInterruption } from '../interruption.js';
import { readOutlines, withNamedTypes } from '../read-outlines.js';

/** HoVer-Net's farthest distance of paired centroids, in pixels at 40x. */
const defaultRadiusPx = 12;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const optionTable = {
  json: flag,
  types: flag,
  classes: text,
  pixel: text,
  'radius-px': text,
  magnification: text,
} as const;

interface EvaluateOptions {
  readonly files: { readonly truth: string; readonly predicted: string };
  readonly json: boolean;
  readonly types: boolean;
  /** Names of the types 1, 2, … of files that tell numbers only. */
  readonly classes: readonly string[] | undefined;
  readonly pixel: number;
  readonly radiusPx: number;
  readonly magnification: number | undefined;
}

/** The names of `--classes`. @throws UsageError */
function classNames(given: string | boolean | undefined, types: boolean): readonly string[] | undefined {
  if (typeof given !== 'string') return undefined;
  if (!types) throw new UsageError('--classes names the classes that --types compares', 'add --types');
  const names = given.split(',').map((name) => name.trim());
  if (names.some((name) => name === '') || names.length > 255) {
    throw new UsageError(`--classes: expected 1 to 255 names with commas between them, got "${given}"`);
  }
  return names;
}

/** Reads the arguments of `histojet evaluate`. @throws UsageError */
function evaluateOptions(args: readonly string[]): EvaluateOptions {
  const given = splitArguments('evaluate', args, optionTable);
  const options = new OptionReader(given);
  const [truth, predicted, further] = given.positionals;
  const usage = 'for example: histojet evaluate truth.geojson nuclei.geojson.gz';
  if (truth === undefined) throw new UsageError('evaluate: TRUTH is missing', usage);
  if (predicted === undefined) throw new UsageError('evaluate: PREDICTION is missing', usage);
  if (further !== undefined) {
    throw new UsageError(`evaluate: expected TRUTH and PREDICTION, got ${further} as well`, usage);
  }
  const radiusPx = options.number('radius-px', { above: true });
  if (radiusPx !== undefined && !options.flag('types')) {
    throw new UsageError('--radius-px says how far apart centroids are paired for --types', `${usage} --types`);
  }
  return {
    files: { truth, predicted },
    json: options.flag('json'),
    types: options.flag('types'),
    classes: classNames(options.text('classes'), options.flag('types')),
    pixel: options.number('pixel', { above: true }) ?? 1,
    radiusPx: radiusPx ?? defaultRadiusPx,
    magnification: options.number('magnification', { above: true }),
  };
}

async function evaluateFiles(options: EvaluateOptions, signal: AbortSignal): Promise<EvaluationReport> {
  const { files, types, classes, pixel, radiusPx, magnification } = options;
  const truth = await readOutlines(files.truth, { magnification, signal });
  const predicted = await readOutlines(files.predicted, { magnification, signal });
  for (const [path, { typed, nuclei }] of [
    [files.truth, truth],
    [files.predicted, predicted],
  ] as const) {
    if (types && !typed && nuclei.length > 0) {
      throw new UsageError(`${path} tells no classes of nuclei`, 'leave out --types');
    }
  }
  const scores = await scoreNuclei(truth.nuclei, predicted.nuclei, { pixel, signal });
  const report = evaluationReport(files, pixel, scores);
  if (!types) return report;
  const names = new ClassNames();
  const given = classes && ['Class 0', ...classes];
  const typeScores = await scoreNucleusTypes(
    withNamedTypes(truth, given ?? predicted.modelNames, names),
    withNamedTypes(predicted, given ?? truth.modelNames, names),
    { radius: radiusPx, pixel, signal },
  );
  return { ...report, classification: classificationReport(radiusPx, typeScores, names) };
}

/** `histojet evaluate TRUTH PREDICTION` */
export const evaluate: Command = async (args, terminal) => {
  const options = evaluateOptions(args);
  const report = await withInterruption((signal) => evaluateFiles(options, signal));
  terminal.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : describeEvaluation(report));
  return exitCodes.ok;
};
