import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  createWriter,
  encodePng,
  HoverFast,
  NucleusList,
  readNuclei,
  Slide,
  scoreNuclei,
  synthesizeSlide,
  systemInfo,
} from '../../index.js';
import { OptionReader, splitArguments } from '../arguments.js';
import type { Command } from '../command.js';
import { describeDemo } from '../demo-report.js';
import { densestRegion } from '../densest-region.js';
import { exitCodes, writing } from '../exit-codes.js';
import { addInset } from '../inset.js';
import { withInterruption } from '../interruption.js';
import { precisions } from '../nuclei-options.js';
import { OutlinePicture } from '../outline-picture.js';
import { ProgressDisplay, type ProgressMode, progressMode, progressModes } from '../progress-display.js';

/** About what slides of a laboratory carry. */
const tissueShare = 0.28;

const pictureSidePx = 2048;
const insetSidePx = 420;

interface DemoOptions {
  readonly folder: string;
  readonly size: number;
  readonly seed: number;
  readonly threads: number | undefined;
  readonly precision: (typeof precisions)[number] | undefined;
  readonly progress: ProgressMode | undefined;
}

function demoOptions(args: readonly string[]): DemoOptions {
  const text = { type: 'string' } as const;
  const table = { out: text, size: text, seed: text, threads: text, precision: text, progress: text };
  const options = new OptionReader(splitArguments('demo', args, table));
  options.noPositional('demo');
  return {
    folder: resolve(options.text('out') ?? 'demo-output'),
    size: options.integer('size', 1024, 100_000) ?? 10_000,
    seed: options.integer('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
    threads: options.integer('threads', 1, 4096),
    precision: options.word('precision', precisions),
    progress: options.word('progress', progressModes),
  };
}

/** Finds and writes all nuclei; keeps them too, which a demonstration of known size can afford. */
async function findNuclei(
  slide: Slide,
  model: HoverFast,
  path: string,
  display: ProgressDisplay,
  signal: AbortSignal,
): Promise<readonly NucleusList[]> {
  const writer = await writing(() => createWriter(path, { slide, model, signal }));
  const batches: NucleusList[] = [];
  try {
    const onProgress = (progress: Parameters<ProgressDisplay['update']>[0]): void =>
      display.update(progress, 'windows');
    for await (const batch of model.segmentSlide(slide, { signal, onProgress })) {
      await writing(() => writer.write(batch));
      batches.push(batch);
    }
    await writing(() => writer.close());
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  return batches;
}

/** A window full of nuclei at full resolution with the outlines, and where on the slide it lies. */
async function paintPicture(
  slide: Slide,
  batches: readonly NucleusList[],
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const region = densestRegion(batches, slide.width, slide.height, pictureSidePx);
  const painter = await OutlinePicture.create(slide, region, pictureSidePx, signal);
  for (const batch of batches) await painter.add(batch, signal);
  const picture = await painter.finish(signal);
  const overview = await slide.thumbnail({ maxSize: insetSidePx, signal });
  addInset(picture, overview, region, slide.width);
  const png = await encodePng(picture, { level: 4, signal });
  await writing(() => writeFile(path, png));
}

/** `histojet demo [--out DIR]` */
export const demo: Command = async (args, terminal) => {
  const options = demoOptions(args);
  const { folder, size, seed, threads, precision } = options;
  const display = new ProgressDisplay(progressMode(options.progress, terminal.stderr), terminal.stderr);
  const paths = {
    slide: resolve(folder, 'slide.tif'),
    truth: resolve(folder, 'truth.geojson.gz'),
    nuclei: resolve(folder, 'nuclei.geojson.gz'),
    picture: resolve(folder, 'nuclei.png'),
  };
  return withInterruption(async (signal) => {
    await using model = await HoverFast.load(undefined, {
      ...(threads !== undefined && { threads }),
      ...(precision !== undefined && { precision }),
      signal,
    });
    await writing(() => mkdir(folder, { recursive: true }));
    await writing(() =>
      synthesizeSlide(paths.slide, {
        width: size,
        height: size,
        seed,
        tissue: tissueShare,
        truth: paths.truth,
        signal,
        onProgress: (progress) => display.update(progress, 'tiles'),
      }),
    );
    display.endLine();
    await using slide = await Slide.open(paths.slide, { signal });
    const started = performance.now();
    const batches = await findNuclei(slide, model, paths.nuclei, display, signal);
    const seconds = (performance.now() - started) / 1000;
    display.endLine();
    await paintPicture(slide, batches, paths.picture, signal);
    const found = NucleusList.concat(batches);
    const scores = await scoreNuclei(await readNuclei(paths.truth, { signal }), found, { signal });
    const system = systemInfo();
    terminal.stdout.write(
      describeDemo({
        size,
        seed,
        seconds,
        scores,
        mpp: slide.mpp?.x ?? 0,
        nuclei: found.length,
        threads: threads ?? system.threads,
        isa: model.info.isa,
        precision: model.info.precision,
        files: Object.entries(paths),
      }),
    );
    return exitCodes.ok;
  });
};
