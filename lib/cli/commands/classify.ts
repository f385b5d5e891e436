import type { PixelMamba } from '../../index.js';
import { writeWholeFile } from '../../internal/whole-file.js';
import { OptionReader, splitArguments } from '../arguments.js';
import type { Command } from '../command.js';
import { exitCodes, failureOf, Interruption, UsageError, writing } from '../exit-codes.js';
import { withInterruption } from '../interruption.js';
import { expandSlides, type SlideInput } from '../nuclei/slide-inputs.js';
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
import type { Terminal } from '../terminal.js';

/** What `histojet classify` was asked to do. */
interface ClassifyOptions extends PixelMambaCommandOptions {
  readonly slides: readonly string[];
  readonly output: string | undefined;
  readonly json: boolean;
}

const optionTable = {
  ...pixelMambaTable,
  output: { type: 'string', short: 'o' },
  json: { type: 'boolean' },
} as const;

function classifyOptions(args: readonly string[]): ClassifyOptions {
  const options = new OptionReader(splitArguments('classify', args, optionTable));
  const output = options.text('output');
  if (output !== undefined && !/\.json$/i.test(output)) {
    throw new UsageError(`${output} does not end in .json`, 'predictions are written as JSON');
  }
  return {
    slides: options.positionals('classify', 'SLIDE'),
    output,
    json: options.flag('json'),
    ...pixelMambaOptions(options),
  };
}

type Entry = Readonly<Record<string, unknown>>;

/** Slides one after the other; one that fails does not stop the others. */
class Classification {
  readonly #options: ClassifyOptions;
  readonly #model: PixelMamba;
  readonly #display: ProgressDisplay;
  readonly #terminal: Terminal;

  constructor(options: ClassifyOptions, model: PixelMamba, display: ProgressDisplay, terminal: Terminal) {
    this.#options = options;
    this.#model = model;
    this.#display = display;
    this.#terminal = terminal;
  }

  async one({ path }: SlideInput, signal: AbortSignal): Promise<Entry> {
    const started = performance.now();
    await using slide = await openForNetwork(path, this.#options, signal);
    if (this.#options.region !== undefined) checkRegion(this.#options.region, slide);
    const asked = predictOptions(this.#options, signal, (progress) => {
      this.#display.update(progress, progress.stage === 'regions' ? 'regions' : 'tokens');
    });
    const prediction = await this.#model.predict(slide, asked);
    this.#display.endLine();
    for (const warning of new Set([...prediction.warnings, ...slide.warnings]))
      this.#display.warn(`${path}: ${warning}`);
    const seconds = Number(((performance.now() - started) / 1000).toFixed(3));
    const entry = { slide: path, ...predictionRecord(prediction), seconds };
    const line = this.#options.json
      ? JSON.stringify(entry)
      : `${path}: ${predictionText(prediction, this.#model.info.labels)}`;
    this.#terminal.stdout.write(`${line}\n`);
    return entry;
  }

  /** All slides with what came out, or why nothing did. */
  async all(slides: readonly SlideInput[], signal: AbortSignal): Promise<{ entries: Entry[]; failed: number }> {
    const entries: Entry[] = [];
    let failed = 0;
    for (const slide of slides) {
      signal.throwIfAborted();
      try {
        entries.push(await this.one(slide, signal));
      } catch (error) {
        if (slides.length === 1 || error instanceof Interruption) throw error;
        const { code, message } = failureOf(error);
        this.#display.warn(`${slide.path}: ${message}`);
        entries.push({ slide: slide.path, error: { code, message } });
        failed += 1;
      }
    }
    return { entries, failed };
  }
}

function document({ info }: PixelMamba, { region, tissue, minTissue }: ClassifyOptions, slides: readonly Entry[]) {
  const { architecture, precision, labels, weights } = info;
  const settings = { region, tissue, minTissue };
  return {
    software: 'histojet',
    model: { name: architecture, weights: weights.sha256, precision, labels },
    settings,
    slides,
  };
}

/** `histojet classify SLIDE… [-m WEIGHTS] [-o OUT.json]` */
export const classify: Command = async (args, terminal) => {
  const options = classifyOptions(args);
  const display = new ProgressDisplay(progressMode(options.progress, terminal.stderr), terminal.stderr);
  return withInterruption(async (signal) => {
    const { slides } = await expandSlides(options.slides);
    await using model = await loadPixelMamba(options, signal);
    const { entries, failed } = await new Classification(options, model, display, terminal).all(slides, signal);
    const { output } = options;
    if (output !== undefined) {
      const text = `${JSON.stringify(document(model, options, entries), null, 2)}\n`;
      await writing(() => writeWholeFile(output, text, signal));
    }
    return failed > 0 ? exitCodes.someFailed : exitCodes.ok;
  });
};
