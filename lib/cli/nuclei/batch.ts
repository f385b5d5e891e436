import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NucleusFormat } from '../../index.js';
import { FileLock } from '../../internal/file-lock.js';
import { exitCodes, failureOf, Interruption, OutputError, UsageError, writing } from '../exit-codes.js';
import { clock, grouped } from '../terminal.js';
import { BatchSummary, type SlideEntry } from './batch-summary.js';
import type { SlideInput } from './slide-inputs.js';
import { type RunContext, resultSettings, runSlide, type SlideJob } from './slide-run.js';

/** Endings of the formats' files. */
const extensions: Readonly<Record<NucleusFormat, string>> = {
  geojson: '.geojson',
  'geojson.gz': '.geojson.gz',
  'hovernet-json': '.json',
  csv: '.csv',
  'annotation-store': '.db',
  'dicom-ann': '.dcm',
  parquet: '.parquet',
};

const defaultFormats: readonly NucleusFormat[] = ['geojson.gz'];

/** How the turn of one slide went: it was worked on, was done before, or is in other hands. */
type Turn = 'done' | 'failed' | 'known' | 'busy';

function jobOf(slide: SlideInput, folder: string, { options }: RunContext): SlideJob {
  const base = join(folder, slide.name);
  const formats = options.formats ?? defaultFormats;
  return {
    slide: slide.path,
    outputs: formats.map((format) => ({ path: base + extensions[format], format })),
    overlay: options.overlay && base + options.overlay,
    heatmap: options.heatmap && base + options.heatmap,
  };
}

function checkEndings({ options }: RunContext): void {
  const { overlay, heatmap, formats } = options;
  for (const [name, ending] of [['overlay', overlay] as const, ['heatmap', heatmap] as const]) {
    if (ending !== undefined && /[/\\]/.test(ending)) {
      throw new UsageError(
        `--${name} with several slides: expected what the pictures' names end in, got ${ending}`,
        `for example --${name} .${name}.png`,
      );
    }
  }
  if (overlay !== undefined && overlay === heatmap) throw new UsageError('--overlay and --heatmap name the same files');
  if (new Set(formats).size !== (formats?.length ?? 0)) throw new UsageError('--format names one format twice');
}

/** When the last of a job's files was finished; undefined when one is missing. */
async function finishedMs(job: SlideJob): Promise<number | undefined> {
  const times = await Promise.all(
    job.outputs.map(({ path }) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Number.NaN,
      ),
    ),
  );
  const last = Math.max(...times);
  return Number.isNaN(last) ? undefined : last;
}

/** A batch of slides into one folder. */
class Batch {
  readonly #folder: string;
  readonly #context: RunContext;
  readonly #summary: BatchSummary;
  readonly #count: number;
  /** Files that are newer come from a process that works on the same slides. */
  readonly #startedMs = Date.now();

  constructor(folder: string, context: RunContext, summary: BatchSummary, count: number) {
    this.#folder = folder;
    this.#context = context;
    this.#summary = summary;
    this.#count = count;
  }

  /** Takes slides one by one; those that are in other hands come again at the end. Returns how many failed. */
  async run(slides: readonly SlideInput[]): Promise<{ readonly failed: number; readonly busy: number }> {
    let failed = 0;
    let left = slides;
    // Another process may end, with or without success, while ours works: what it leaves is taken over.
    for (let before = Number.POSITIVE_INFINITY; left.length > 0 && left.length < before; ) {
      before = left.length;
      const busy: SlideInput[] = [];
      for (const slide of left) {
        const turn = await this.#take(slide, slides.indexOf(slide) + 1);
        if (turn === 'failed') failed += 1;
        if (turn === 'busy') busy.push(slide);
      }
      left = busy;
    }
    for (const { path } of left) this.#context.display.warn(`${path}: another process works on it`);
    return { failed, busy: left.length };
  }

  async #take(slide: SlideInput, number: number): Promise<Turn> {
    this.#context.signal.throwIfAborted();
    const job = jobOf(slide, this.#folder, this.#context);
    const lockPath = `${join(this.#folder, slide.name)}.lock`;
    await writing(() => mkdir(dirname(lockPath), { recursive: true }));
    const lock = await writing(async () => FileLock.take(lockPath));
    if (lock === null) return 'busy';
    try {
      if (await this.#isDone(job)) {
        this.#context.display.note(`[${number}/${this.#count}] ${slide.path}: done before`);
        return 'known';
      }
      return await this.#work(slide, job, number);
    } finally {
      lock.release();
    }
  }

  /** With --resume whatever is there counts, otherwise what another process has made since the start. */
  async #isDone(job: SlideJob): Promise<boolean> {
    const finished = await finishedMs(job);
    return finished !== undefined && (this.#context.options.resume || finished >= this.#startedMs);
  }

  async #work(slide: SlideInput, job: SlideJob, number: number): Promise<Turn> {
    const { display } = this.#context;
    const place = `[${number}/${this.#count}]`;
    display.note(`${place} ${slide.path}`);
    const started = performance.now();
    const secondsSoFar = (): number => Number(((performance.now() - started) / 1000).toFixed(3));
    const note = (entry: Omit<SlideEntry, 'slide'>) =>
      this.#summary.note({ [slide.name]: { slide: slide.path, ...entry } });
    try {
      const { nuclei, classes, files, windows, restored, warnings } = await runSlide(job, this.#context);
      const seconds = secondsSoFar();
      const counts = classes.known && { classes: classes.counts() };
      await note({ status: 'done', files, nuclei, ...counts, windows, windowsRestored: restored, seconds, warnings });
      display.result(`${place} ${grouped(nuclei)} nuclei in ${clock(seconds)}`, {
        slide: slide.path,
        files,
        nuclei,
        ...counts,
        seconds,
      });
      return 'done';
    } catch (error) {
      const { code, message, hint } = failureOf(error);
      const status = error instanceof Interruption ? 'interrupted' : 'failed';
      await note({ status, seconds: secondsSoFar(), error: { code, message, hint } });
      // A disk that is full or a folder that is read-only fails all slides alike.
      if (error instanceof Interruption || (error instanceof OutputError && code === 'HISTOJET_IO')) throw error;
      display.warn(`${slide.path}: ${message}`);
      return 'failed';
    }
  }
}

/**
 * Many slides into a folder: a slide that fails does not stop the others, and processes that share the folder do not
 * take the same slide. `summary.json` and `summary.md` there tell how each went.
 *
 * @returns the exit code
 */
export async function runBatch(slides: readonly SlideInput[], folder: string, context: RunContext): Promise<number> {
  const { options, model, display } = context;
  if (options.outputs.length > 1) throw new UsageError('several slides go into one folder: give one -o');
  checkEndings(context);
  await writing(() => mkdir(folder, { recursive: true }));
  const settings = {
    ...resultSettings(options, model),
    formats: options.formats ?? defaultFormats,
    model: { name: model.info.architecture, weights: model.info.weights.sha256, precision: model.info.precision },
  };
  const summary = await BatchSummary.open(folder, settings, options.resume);
  const batch = new Batch(folder, context, summary, slides.length);
  const { failed, busy } = await batch.run(slides);
  const done = slides.length - failed - busy;
  const text = `${grouped(done)} of ${grouped(slides.length)} slides done, see ${join(folder, 'summary.md')}`;
  display.result(failed > 0 ? `${text}; ${grouped(failed)} failed` : text, {
    slides: slides.length,
    done,
    failed,
    busy,
  });
  return failed > 0 ? exitCodes.someFailed : exitCodes.ok;
}
