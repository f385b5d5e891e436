import { constants } from 'node:fs';
import { access, unlink, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  createWriter,
  defaultWeightsPath,
  encodePng,
  type HoverFast,
  type HoverNet,
  loadModel,
  type NucleusWriter,
  type Rect,
  type SegmentSlideOptions,
  Slide,
} from '../../index.js';
import { ClassCounter } from '../class-counter.js';
import type { Command } from '../command.js';
import { exitCodes, UsageError, writing } from '../exit-codes.js';
import { withInterruption } from '../interruption.js';
import { type NucleiOptions, nucleiOptions } from '../nuclei-options.js';
import { OutlinePicture } from '../outline-picture.js';
import { ProgressDisplay, progressMode } from '../progress-display.js';
import { clock, grouped } from '../terminal.js';

const overlayMaxSizePx = 4096;

/** The slide with a resolution: its own, or the one that the user gave. */
async function openSlide(options: NucleiOptions, signal: AbortSignal): Promise<Slide> {
  const { opening, mpp } = options;
  const slide = await Slide.open(options.slide, { ...opening, signal });
  // A plain picture is taken to have the network's resolution; the run says so in its warnings.
  const picture = slide.format === 'png' || slide.format === 'jpeg';
  if (slide.mpp !== null || (picture && mpp === undefined)) return slide;
  await slide.close();
  if (mpp !== undefined) return Slide.open(options.slide, { ...opening, mpp, signal });
  throw new UsageError(
    `${options.slide} does not say its resolution`,
    'pass --mpp: 0.25 for a slide scanned at 40x, 0.5 for one at 20x',
  );
}

/** What shapes the result; noted in the file, so nothing that only shapes the speed. */
function resultSettings(options: NucleiOptions, model: HoverFast | HoverNet): Readonly<Record<string, unknown>> {
  const { mpp = model.info.mpp, region, tissue, variant = 'hovernet', stain = 'he', minAreaUm2, simplify } = options;
  return { mpp, variant, stain, tissue, region, minAreaUm2, simplify };
}

/** Leaves out what was not given, so that the library's defaults hold. */
function segmentOptions(options: NucleiOptions, slide: Slide): SegmentSlideOptions {
  const { mpp, region, tissue, variant, stain, minAreaUm2, simplify, tileSize } = options;
  const overridden = slide.mpp?.source === 'override';
  return {
    tissue,
    ...(mpp !== undefined && !overridden && { mpp }),
    ...(region !== undefined && { region }),
    ...(variant !== undefined && { variant }),
    ...(stain !== undefined && { stain }),
    ...(minAreaUm2 !== undefined && { minArea: { um2: minAreaUm2 } }),
    ...(simplify !== undefined && { simplify }),
    ...(tileSize !== undefined && { tileSize }),
  };
}

/** The part of the slide that the run looks at; throws when there is none. */
function regionOf({ region }: NucleiOptions, { width, height }: Slide): Rect {
  const whole = { x: 0, y: 0, width, height };
  if (region === undefined) return whole;
  const { x, y } = region;
  if (x >= width || y >= height || x + region.width <= 0 || y + region.height <= 0) {
    throw new UsageError(`--region lies outside the slide, which has ${width} x ${height} px`);
  }
  return region;
}

/** Everything that one run holds open. */
interface Run {
  readonly options: NucleiOptions;
  readonly slide: Slide;
  readonly model: HoverFast | HoverNet;
  readonly writer: NucleusWriter;
  readonly classes: ClassCounter;
  readonly display: ProgressDisplay;
  readonly signal: AbortSignal;
}

async function segment(run: Run, picture: OutlinePicture | undefined): Promise<void> {
  const { options, slide, model, writer, classes, display, signal } = run;
  const batches = model.segmentSlide(slide, {
    ...segmentOptions(options, slide),
    signal,
    onProgress: (progress) => display.update(progress, 'windows'),
  });
  for await (const batch of batches) {
    await writing(() => writer.write(batch));
    classes.add(batch);
    await picture?.add(batch, signal);
  }
  for (const warning of new Set([...slide.warnings, ...batches.warnings])) display.warn(warning);
}

async function savePicture(path: string, picture: OutlinePicture, signal: AbortSignal): Promise<void> {
  const png = await encodePng(await picture.finish(signal), { level: 4, signal });
  await writing(() => writeFile(path, png));
}

/** Leaves what was found in a valid `.part` and says so; an empty one helps nobody unless the user stopped the run. */
async function keepPartial({ writer, display, signal }: Run): Promise<void> {
  await writer.abandon();
  const part = `${resolve(writer.path)}.part`;
  if (writer.count === 0 && !signal.aborted) {
    await unlink(part).catch(() => {});
    return;
  }
  display.warn(`${part} is a valid file with the ${grouped(writer.count)} nuclei found so far`);
}

async function finish(run: Run): Promise<void> {
  const { options, slide, writer, signal } = run;
  const { overlay } = options;
  try {
    const region = regionOf(options, slide);
    const picture =
      overlay === undefined ? undefined : await OutlinePicture.create(slide, region, overlayMaxSizePx, signal);
    await segment(run, picture);
    signal.throwIfAborted();
    if (picture !== undefined && overlay !== undefined) await savePicture(overlay, picture, signal);
    await writing(() => writer.close());
  } catch (error) {
    await keepPartial(run);
    throw error;
  }
}

/** `histojet nuclei SLIDE -o OUT` */
export const nuclei: Command = async (args, terminal) => {
  const options = nucleiOptions(args);
  const display = new ProgressDisplay(progressMode(options.progress, terminal.stderr), terminal.stderr);
  const started = performance.now();
  return withInterruption(async (signal) => {
    await using slide = await openSlide(options, signal);
    regionOf(options, slide);
    const { output, format, overlay, precision, device, threads } = options;
    if (overlay !== undefined) await writing(() => access(dirname(resolve(overlay)), constants.W_OK));
    await using model = await loadModel(options.weights ?? defaultWeightsPath(), {
      ...(precision !== undefined && { precision }),
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
      signal,
    });
    const config = resultSettings(options, model);
    const processingMpp = options.mpp ?? model.info.mpp;
    const writer = await writing(() =>
      createWriter(output, { slide, model, config, processingMpp, ...(format !== undefined && { format }), signal }),
    );
    const classes = new ClassCounter(model.info.types);
    await finish({ options, slide, model, writer, classes, display, signal });
    const seconds = (performance.now() - started) / 1000;
    const path = resolve(output);
    display.result(`${grouped(writer.count)} nuclei in ${clock(seconds)}: ${path}${classes.text()}`, {
      path,
      nuclei: writer.count,
      ...(classes.known && { classes: classes.counts() }),
      seconds: Number(seconds.toFixed(3)),
      ...(overlay !== undefined && { overlay: resolve(overlay) }),
    });
    return exitCodes.ok;
  });
};
