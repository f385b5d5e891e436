import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defaultWeightsPath, type HoverFast, type HoverNet, loadModel } from '../../index.js';
import type { Command } from '../command.js';
import { exitCodes, UsageError } from '../exit-codes.js';
import { withInterruption } from '../interruption.js';
import { runBatch } from '../nuclei/batch.js';
import { expandSlides, type SlideInput } from '../nuclei/slide-inputs.js';
import { type RunContext, runSlide, type SlideJob } from '../nuclei/slide-run.js';
import { type NucleiOptions, nucleiOptions } from '../nuclei-options.js';
import { ProgressDisplay, progressMode } from '../progress-display.js';
import { clock, grouped } from '../terminal.js';

/** The files of the only slide. @throws UsageError when two of them, or one and the slide, are the same */
function onlyJob(slide: SlideInput, options: NucleiOptions): SlideJob {
  const { outputs, formats, overlay, heatmap } = options;
  if (formats !== undefined && (formats.length > 1 || outputs.length > 1)) {
    throw new UsageError(
      '--format with several files',
      'give each -o a name whose extension tells its format, or a folder as -o and several formats',
    );
  }
  const written = [...outputs, ...[overlay, heatmap].filter((path) => path !== undefined)];
  for (const [i, path] of written.entries()) {
    if (resolve(path) === resolve(slide.path)) {
      throw new UsageError(`${path} is the slide itself`, 'give the output another name');
    }
    if (written.slice(0, i).some((other) => resolve(other) === resolve(path))) {
      throw new UsageError(`two outputs are called ${path}`, 'give each a name of its own');
    }
  }
  return { slide: slide.path, outputs: outputs.map((path) => ({ path, format: formats?.[0] })), overlay, heatmap };
}

async function isFolder(path: string): Promise<boolean> {
  return /[/\\]$/.test(path) || (await stat(path).catch(() => null))?.isDirectory() === true;
}

async function load(options: NucleiOptions, signal: AbortSignal): Promise<HoverFast | HoverNet> {
  const { precision, device, threads } = options;
  return loadModel(options.weights ?? defaultWeightsPath(), {
    ...(precision !== undefined && { precision }),
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    signal,
  });
}

async function runOnly(job: SlideJob, context: RunContext, started: number): Promise<number> {
  const { display } = context;
  const { nuclei, classes, files, restored } = await runSlide(job, context);
  const seconds = (performance.now() - started) / 1000;
  const [path] = files;
  const earlier = restored > 0 ? `, ${grouped(restored)} windows from an earlier run` : '';
  display.result(`${grouped(nuclei)} nuclei in ${clock(seconds)}${earlier}: ${files.join(' ')}${classes.text()}`, {
    path,
    files,
    nuclei,
    ...(classes.known && { classes: classes.counts() }),
    windowsRestored: restored,
    seconds: Number(seconds.toFixed(3)),
    ...(job.overlay !== undefined && { overlay: resolve(job.overlay) }),
  });
  return exitCodes.ok;
}

/** `histojet nuclei SLIDE… -o OUT` */
export const nuclei: Command = async (args, terminal) => {
  const options = nucleiOptions(args);
  const display = new ProgressDisplay(progressMode(options.progress, terminal.stderr), terminal.stderr);
  const started = performance.now();
  return withInterruption(async (signal) => {
    const { slides, many } = await expandSlides(options.slides);
    const [first] = slides;
    const [output] = options.outputs;
    if (first === undefined || output === undefined) throw new UsageError('nuclei: SLIDE is missing');
    const folder = many || (await isFolder(output));
    const job = folder ? undefined : onlyJob(first, options);
    await using model = await load(options, signal);
    const context = { options, model, display, signal };
    // Awaited here: the model is closed at the end of this block.
    return await (job === undefined ? runBatch(slides, output, context) : runOnly(job, context, started));
  });
};
