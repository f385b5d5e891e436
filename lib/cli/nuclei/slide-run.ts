import { constants } from 'node:fs';
import { access, readdir, rmdir, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  createWriter,
  encodePng,
  HistojetError,
  type HoverFast,
  type HoverNet,
  type NucleusFormat,
  type NucleusList,
  type NucleusWriter,
  type Rect,
  type SegmentSlideOptions,
  type Slide,
} from '../../index.js';
import { ClassCounter } from '../class-counter.js';
import { OutputError, writing } from '../exit-codes.js';
import { HeatMapOutput } from '../heat-map-output.js';
import type { NucleiOptions } from '../nuclei-options.js';
import { checkRegion, openForNetwork } from '../open-slide.js';
import { OutlinePicture } from '../outline-picture.js';
import type { ProgressDisplay } from '../progress-display.js';
import { grouped } from '../terminal.js';

const overlayMaxSizePx = 4096;

/** One slide and the files that come out of it. */
export interface SlideJob {
  readonly slide: string;
  readonly outputs: readonly { readonly path: string; readonly format: NucleusFormat | undefined }[];
  readonly overlay: string | undefined;
  readonly heatmap: string | undefined;
}

/** What runs have in common. */
export interface RunContext {
  readonly options: NucleiOptions;
  readonly model: HoverFast | HoverNet;
  readonly display: ProgressDisplay;
  readonly signal: AbortSignal;
}

/** What came out of a slide. */
export interface SlideOutcome {
  readonly nuclei: number;
  /** Nuclei by class; none for networks without classes. */
  readonly classes: ClassCounter;
  /** Windows of the slide, and how many of them an earlier run had finished. */
  readonly windows: number;
  readonly restored: number;
  /** Absolute paths of nuclei files and pictures. */
  readonly files: readonly string[];
  readonly warnings: readonly string[];
}

/** Where the notes of an unfinished run lie: beside its first output. */
export function checkpointDirOf(job: SlideJob): string {
  return `${resolve(job.outputs[0]?.path ?? '')}.checkpoint`;
}

/** What shapes the result; noted in the files, so nothing that only shapes the speed. */
export function resultSettings(options: NucleiOptions, model: HoverFast | HoverNet): Readonly<Record<string, unknown>> {
  const {
    mpp = model.info.mpp,
    region,
    tissue,
    variant = 'hovernet',
    stain = 'he',
    minAreaUm2,
    simplify,
    measure,
  } = options;
  return { mpp, variant, stain, tissue, region, minAreaUm2, simplify, ...(measure && { measure }) };
}

/** Leaves out what was not given, so that the library's defaults hold. */
function segmentOptions(options: NucleiOptions, slide: Slide): SegmentSlideOptions {
  const { mpp, region, tissue, variant, stain, minAreaUm2, simplify, measure, tileSize, maxMemoryBytes } = options;
  const overridden = slide.mpp?.source === 'override';
  return {
    tissue,
    measure,
    ...(mpp !== undefined && !overridden && { mpp }),
    ...(region !== undefined && { region }),
    ...(variant !== undefined && { variant }),
    ...(stain !== undefined && { stain }),
    ...(minAreaUm2 !== undefined && { minArea: { um2: minAreaUm2 } }),
    ...(simplify !== undefined && { simplify }),
    ...(tileSize !== undefined && { tileSize }),
    ...(maxMemoryBytes !== undefined && { maxMemoryBytes }),
  };
}

/** The part of the slide that the run looks at; throws when there is none. */
function regionOf({ region }: NucleiOptions, slide: Slide): Rect {
  if (region === undefined) return { x: 0, y: 0, width: slide.width, height: slide.height };
  checkRegion(region, slide);
  return region;
}

/** Deletes the notes of a run; the folder goes when nothing else is in it. */
async function clearCheckpoint(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (name.endsWith('.run')) await unlink(join(folder, name)).catch(() => {});
  await rmdir(folder).catch(() => {});
}

/** The files of one run, all fed in one pass. */
class Outputs {
  readonly #writers: readonly NucleusWriter[];
  readonly #picture: OutlinePicture | undefined;
  readonly #heatmap: HeatMapOutput | undefined;
  readonly #job: SlideJob;
  readonly classes: ClassCounter;

  private constructor(
    job: SlideJob,
    writers: readonly NucleusWriter[],
    picture: OutlinePicture | undefined,
    heatmap: HeatMapOutput | undefined,
    classes: ClassCounter,
  ) {
    this.#job = job;
    this.#writers = writers;
    this.#picture = picture;
    this.#heatmap = heatmap;
    this.classes = classes;
  }

  static async create(job: SlideJob, slide: Slide, { options, model, signal }: RunContext): Promise<Outputs> {
    const region = regionOf(options, slide);
    for (const picture of [job.overlay, job.heatmap]) {
      if (picture !== undefined) await writing(() => access(dirname(resolve(picture)), constants.W_OK));
    }
    const { types } = model.info;
    const heatmap = job.heatmap === undefined ? undefined : HeatMapOutput.create(job.heatmap, slide, region, types);
    const config = resultSettings(options, model);
    const processingMpp = options.mpp ?? model.info.mpp;
    const writers: NucleusWriter[] = [];
    try {
      for (const { path, format } of job.outputs) {
        const settings = { slide, model, config, processingMpp, ...(format !== undefined && { format }), signal };
        writers.push(await writing(() => createWriter(path, settings)));
      }
      const picture =
        job.overlay === undefined
          ? undefined
          : await OutlinePicture.create(slide, region, overlayMaxSizePx, signal, types);
      return new Outputs(job, writers, picture, heatmap, new ClassCounter(types));
    } catch (error) {
      for (const writer of writers) await dropEmpty(writer);
      throw error;
    }
  }

  get count(): number {
    return this.#writers[0]?.count ?? 0;
  }

  async add(batch: NucleusList, signal: AbortSignal): Promise<void> {
    await writing(() => Promise.all(this.#writers.map((writer) => writer.write(batch))));
    this.classes.add(batch);
    await this.#heatmap?.add(batch);
    await this.#picture?.add(batch, signal);
  }

  /** Gives all files their names, the pictures first: nuclei files say that a slide is done. */
  async finish(signal: AbortSignal): Promise<readonly string[]> {
    const files: string[] = [];
    const { overlay } = this.#job;
    if (this.#picture !== undefined && overlay !== undefined) {
      const png = await encodePng(await this.#picture.finish(signal), { level: 4, signal });
      await writing(() => writeFile(overlay, png));
      files.push(resolve(overlay));
    }
    if (this.#heatmap !== undefined) files.push(...(await this.#heatmap.save(signal)));
    for (const writer of this.#writers) await writing(() => writer.close());
    return [...this.#writers.map((writer) => resolve(writer.path)), ...files];
  }

  /** Leaves what was found in valid `.part` files and says so; empty ones help nobody unless the user stopped the run. */
  async keepPartial(display: ProgressDisplay, stopped: boolean): Promise<void> {
    for (const writer of this.#writers) {
      if (writer.count === 0 && !stopped) {
        await dropEmpty(writer);
        continue;
      }
      await writer.abandon();
      display.warn(
        `${resolve(writer.path)}.part is a valid file with the ${grouped(writer.count)} nuclei found so far`,
      );
    }
  }
}

async function dropEmpty(writer: NucleusWriter): Promise<void> {
  await writer.abandon();
  await unlink(`${resolve(writer.path)}.part`).catch(() => {});
}

/** A failure of the notes on disk is one of writing, whatever stage it stopped. */
function blamed(error: unknown, checkpointDir: string): unknown {
  const ours = error instanceof HistojetError && error.code === 'HISTOJET_IO' && error.message.includes(checkpointDir);
  return ours ? new OutputError(error) : error;
}

/**
 * Finds the nuclei of one slide and writes its files. What is finished is noted on disk as the run goes; with
 * `resume` it begins with the notes that an earlier run has left. Notes stay when the run fails.
 */
export async function runSlide(job: SlideJob, context: RunContext): Promise<SlideOutcome> {
  const { options, model, display, signal } = context;
  const checkpointDir = checkpointDirOf(job);
  await using slide = await openForNetwork(job.slide, options, signal);
  const outputs = await Outputs.create(job, slide, context);
  try {
    if (!options.resume) await clearCheckpoint(checkpointDir);
    const batches = model.segmentSlide(slide, {
      ...segmentOptions(options, slide),
      checkpointDir,
      signal,
      onProgress: (progress) => display.update(progress, 'windows'),
    });
    for await (const batch of batches) await outputs.add(batch, signal);
    const warnings = [...new Set([...slide.warnings, ...batches.warnings])];
    for (const warning of warnings) display.warn(warning);
    signal.throwIfAborted();
    const nuclei = outputs.count;
    const files = await outputs.finish(signal);
    await clearCheckpoint(checkpointDir);
    const { windowsTotal: windows, windowsRestored: restored } = batches.progress;
    return { nuclei, classes: outputs.classes, windows, restored, files, warnings };
  } catch (error) {
    await outputs.keepPartial(display, signal.aborted);
    throw blamed(error, checkpointDir);
  }
}
