import { resolve } from 'node:path';
import type { Attribution, AttributionOptions, PixelMamba, Slide } from '../../index.js';
import { OptionReader, splitArguments } from '../arguments.js';
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
  readonly target: number | 'features' | undefined;
  readonly tokenPx: number | undefined;
  readonly part: 'all' | 'local' | 'global' | 'against' | undefined;
  readonly json: boolean;
}

const optionTable = {
  ...pixelMambaTable,
  output: { type: 'string', short: 'o', multiple: true },
  target: { type: 'string' },
  'token-px': { type: 'string' },
  part: { type: 'string' },
  json: { type: 'boolean' },
} as const;

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

function explainOptions(args: readonly string[]): ExplainOptions {
  const options = new OptionReader(splitArguments('explain', args, optionTable));
  const slide = options.onlyPositional('explain', 'SLIDE');
  const outputs = options.texts('output');
  checkOutputs(outputs, slide);
  const target = options.text('target') === 'features' ? 'features' : options.integer('target', 0, 2 ** 31 - 1);
  return {
    slide,
    outputs,
    target,
    tokenPx: options.integer('token-px', 1, 2 ** 20),
    part: options.word('part', ['all', 'local', 'global', 'against']),
    json: options.flag('json'),
    ...pixelMambaOptions(options),
  };
}

async function write(path: string, attribution: Attribution, slide: Slide, { part }: ExplainOptions) {
  const look = part === undefined ? {} : { part };
  if (png.test(path)) return attribution.savePng(path, slide, look);
  if (values.test(path)) return attribution.saveValues(path);
  return attribution.saveTiff(path, look);
}

async function attribute(model: PixelMamba, slide: Slide, options: ExplainOptions, predict: AttributionOptions) {
  const { target, tokenPx } = options;
  return model.attribute(slide, {
    ...predict,
    ...(target !== undefined && { target }),
    ...(tokenPx !== undefined && { tokenPx }),
  });
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
      display.update(progress, progress.stage === 'regions' ? 'regions' : 'tokens');
    });
    const attribution = await attribute(model, slide, options, predict);
    display.endLine();
    const { prediction, finest, target } = attribution;
    for (const warning of new Set([...prediction.warnings, ...slide.warnings])) display.warn(warning);
    for (const path of options.outputs) await writing(() => write(path, attribution, slide, options));
    const files = options.outputs.map((path) => resolve(path));
    const seconds = (performance.now() - started) / 1000;
    const text = `${predictionText(prediction, model.info.labels)}; ${(100 * finest.localShare).toFixed(0)} % from within regions`;
    const record = {
      slide: options.slide,
      ...predictionRecord(prediction),
      target,
      tokenPx: finest.tokenPx,
      localShare: finest.localShare,
      files,
      seconds: Number(seconds.toFixed(3)),
    };
    terminal.stdout.write(options.json ? `${JSON.stringify(record)}\n` : `${options.slide}: ${text}\n`);
    display.result(`explained in ${clock(seconds)}: ${files.join(' ')}`, record);
    return exitCodes.ok;
  });
};
