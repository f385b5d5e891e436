import { resolve } from 'node:path';
import type { Attribution, AttributionTest, Occlusion, PixelMamba, PixelMambaOptions, Slide } from '../../index.js';
import { OptionReader, splitArguments } from '../arguments.js';
import { attributionTestRecord, attributionTestText } from '../attribution-report.js';
import type { Command } from '../command.js';
import { exitCodes, UsageError, writing } from '../exit-codes.js';
import { withInterruption } from '../interruption.js';
import { checkRegion, openForNetwork } from '../open-slide.js';
import {
  loadPixelMamba,
  type PixelMambaCommandOptions,
  pixelMambaOptions,
  pixelMambaTable,
  predictOptions,
} from '../pixel-mamba-options.js';
import { predictionRecord, predictionText } from '../prediction-report.js';
import { ProgressDisplay, progressMode } from '../progress-display.js';
import { clock } from '../terminal.js';

/** What `histojet explain` was asked to do. */
interface ExplainOptions extends PixelMambaCommandOptions {
  readonly slide: string;
  readonly outputs: readonly string[];
  readonly method: 'rollout' | 'occlusion';
  readonly target: number | 'features' | undefined;
  readonly tokenPx: number | undefined;
  readonly squarePx: number | undefined;
  readonly evaluations: number | undefined;
  readonly part: 'all' | 'local' | 'global' | 'against' | undefined;
  readonly check: boolean;
  readonly random: number | undefined;
  readonly seed: number | undefined;
  readonly json: boolean;
}

const optionTable = {
  ...pixelMambaTable,
  output: { type: 'string', short: 'o', multiple: true },
  method: { type: 'string' },
  target: { type: 'string' },
  'token-px': { type: 'string' },
  'square-px': { type: 'string' },
  evaluations: { type: 'string' },
  part: { type: 'string' },
  check: { type: 'boolean' },
  random: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** What is counted in a stage, if not tokens. */
const units: Readonly<Record<string, string>> = {
  regions: 'regions',
  occlusion: 'squares',
  perturbation: 'evaluations',
};
const png = /\.png$/i;
const tiff = /\.tiff?$/i;
const values = /\.values\.ome\.tiff?$/i;
const usage = 'for example: histojet explain case-17.svs -o heat.png -o heat.tif';

function checkOutputs(outputs: readonly string[], slide: string): void {
  if (outputs.length === 0) throw new UsageError('explain: -o OUT is missing', usage);
  for (const [i, path] of outputs.entries()) {
    if (!png.test(path) && !tiff.test(path)) throw new UsageError(`${path} does not end in .png or .tif`, usage);
    if (resolve(path) === resolve(slide)) {
      throw new UsageError(`${path} is the slide itself`, 'give the output another name');
    }
    if (outputs.slice(0, i).some((other) => resolve(other) === resolve(path))) {
      throw new UsageError(`two outputs are called ${path}`, 'give each a name of its own');
    }
  }
}

/** Options that belong to something which was not asked for. */
function refuseUnused(options: ExplainOptions): void {
  const { method, check, part, target, tokenPx, squarePx, evaluations, random, seed } = options;
  const unused = (name: string, what: string) => new UsageError(`--${name} is for ${what}`, usage);
  if (method === 'occlusion') {
    if (tokenPx !== undefined) throw unused('token-px', '--method rollout; with occlusion say --square-px');
    if (part === 'local' || part === 'global') throw unused(`part ${part}`, '--method rollout');
    if (target === 'features') throw unused('target features', '--method rollout');
  } else {
    if (squarePx !== undefined) throw unused('square-px', '--method occlusion; with roll-out say --token-px');
    if (evaluations !== undefined) throw unused('evaluations', '--method occlusion');
  }
  if (!check && random !== undefined) throw unused('random', '--check');
  if (!check && seed !== undefined) throw unused('seed', '--check');
}

function explainOptions(args: readonly string[]): ExplainOptions {
  const options = new OptionReader(splitArguments('explain', args, optionTable));
  const slide = options.onlyPositional('explain', 'SLIDE');
  const outputs = options.texts('output');
  checkOutputs(outputs, slide);
  const target = options.text('target') === 'features' ? 'features' : options.integer('target', 0, 2 ** 31 - 1);
  const given: ExplainOptions = {
    slide,
    outputs,
    method: options.word('method', ['rollout', 'occlusion']) ?? 'rollout',
    target,
    tokenPx: options.integer('token-px', 1, 2 ** 20),
    squarePx: options.integer('square-px', 1, 2 ** 20),
    evaluations: options.integer('evaluations', 2, 2 ** 31 - 1),
    part: options.word('part', ['all', 'local', 'global', 'against']),
    check: options.flag('check'),
    random: options.integer('random', 0, 1000),
    seed: options.integer('seed', 0, 2 ** 31 - 1),
    json: options.flag('json'),
    ...pixelMambaOptions(options),
  };
  refuseUnused(given);
  return given;
}

async function write(path: string, found: Attribution | Occlusion, slide: Slide, { part }: ExplainOptions) {
  const look = part === undefined ? {} : { part };
  if (png.test(path)) return found.savePng(path, slide, look);
  if (values.test(path)) return found.saveValues(path);
  return found.saveTiff(path, look);
}

async function attribute(model: PixelMamba, slide: Slide, options: ExplainOptions, predict: PixelMambaOptions) {
  const { method, target, tokenPx, squarePx, evaluations } = options;
  if (method === 'occlusion') {
    return model.attribute(slide, {
      ...predict,
      method,
      ...(typeof target === 'number' && { target }),
      ...(squarePx !== undefined && { finestPx: squarePx }),
      ...(evaluations !== undefined && { maxEvaluations: evaluations }),
    });
  }
  return model.attribute(slide, {
    ...predict,
    ...(target !== undefined && { target }),
    ...(tokenPx !== undefined && { tokenPx }),
  });
}

async function test(
  model: PixelMamba,
  slide: Slide,
  found: Attribution | Occlusion,
  { random, seed }: ExplainOptions,
  { region: _, ...predict }: PixelMambaOptions,
): Promise<AttributionTest> {
  return model.testAttribution(slide, found, {
    ...predict,
    ...(random !== undefined && { randomOrders: random }),
    ...(seed !== undefined && { seed }),
  });
}

/** What is particular to the method: a few words, and fields of the record. */
function particulars(found: Attribution | Occlusion) {
  if ('squares' in found) {
    const { evaluations, score, finest } = found;
    const text = `${evaluations - 1} squares covered`;
    return { text, record: { method: 'occlusion', squarePx: finest.squarePx, score, evaluations } };
  }
  const { tokenPx, localShare } = found.finest;
  return { text: `${(100 * localShare).toFixed(0)} % from within regions`, record: { tokenPx, localShare } };
}

/** `histojet explain SLIDE -o OUT.png` */
export const explain: Command = async (args, terminal) => {
  const options = explainOptions(args);
  const display = new ProgressDisplay(progressMode(options.progress, terminal.stderr), terminal.stderr);
  const started = performance.now();
  return withInterruption(async (signal) => {
    await using model = await loadPixelMamba(options, signal);
    await using slide = await openForNetwork(options.slide, options, signal);
    if (options.region !== undefined) checkRegion(options.region, slide);
    const predict = predictOptions(options, signal, (progress) => {
      display.update(progress, units[progress.stage] ?? 'tokens');
    });
    const found = await attribute(model, slide, options, predict);
    display.endLine();
    const { prediction, target } = found;
    for (const warning of new Set([...prediction.warnings, ...slide.warnings])) display.warn(warning);
    for (const path of options.outputs) await writing(() => write(path, found, slide, options));
    const tested = options.check ? await test(model, slide, found, options, predict) : undefined;
    display.endLine();
    const files = options.outputs.map((path) => resolve(path));
    const seconds = (performance.now() - started) / 1000;
    const about = particulars(found);
    const text = `${options.slide}: ${predictionText(prediction, model.info.labels)}; ${about.text}\n`;
    const record = {
      slide: options.slide,
      ...predictionRecord(prediction),
      target,
      ...about.record,
      ...(tested !== undefined && { check: attributionTestRecord(tested) }),
      files,
      seconds: Number(seconds.toFixed(3)),
    };
    const table = tested === undefined ? '' : attributionTestText(tested);
    terminal.stdout.write(options.json ? `${JSON.stringify(record)}\n` : text + table);
    display.result(`explained in ${clock(seconds)}: ${files.join(' ')}`, record);
    return exitCodes.ok;
  });
};
