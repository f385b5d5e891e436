import { basename } from 'node:path';
import { disposedError } from '../errors.js';
import { version } from '../internal/system-info.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import type { NucleusClass } from '../nuclei/nucleus-class.js';
import { type NucleusList, nucleiHandle } from '../nuclei/nucleus-list.js';
import type { Slide } from '../slide/slide.js';
import { openNative, type WriterBackend } from './writer-backend.js';

export type { NucleusClass };

/** What a writer notes about the model; {@link HoverFast} and {@link HoverNet} have it. */
export interface ModelProvenance {
  /** The model's description. */
  readonly info: {
    /** Name of the network. */
    readonly architecture: string;
    /** How it computes. */
    readonly precision: string;
    /** Names and colours of its classes by number; absent or empty for networks without classes. */
    readonly types?: readonly NucleusClass[];
    /** Where its weights come from. */
    readonly weights: {
      /** Hash of the weights' file. */
      readonly sha256: string;
    };
  };
}

/**
 * A file format for nuclei: GeoJSON for QuPath, plain or packed; HoVer-Net's JSON; CSV; TIAToolbox' annotation store
 * (SQLite); DICOM Microscopy Bulk Simple Annotations; GeoParquet.
 */
export type NucleusFormat =
  | 'geojson'
  | 'geojson.gz'
  | 'hovernet-json'
  | 'csv'
  | 'annotation-store'
  | 'dicom-ann'
  | 'parquet';

/** Options of {@link createWriter}. */
export interface WriterOptions {
  /** Where the nuclei come from: gives the resolution, the bounds and the fingerprint. */
  readonly slide?: Slide;
  /** What found them: gives the hash of the weights and the classes. */
  readonly model?: ModelProvenance;
  /**
   * The format.
   * @defaultValue by the extension: `.geojson`, `.geojson.gz`, `.json` (HoVer-Net), `.csv`, `.db` (annotation store), `.dcm`,
   * `.parquet`
   */
  readonly format?: NucleusFormat;
  /**
   * What (0, 0) is in the file: the corner of the slide's bounds (as QuPath shows slides) or of level 0.
   * @defaultValue 'bounds' for GeoJSON, 'level0' for all others
   */
  readonly origin?: 'bounds' | 'level0';
  /**
   * HoVer-Net's JSON: resolution of the coordinates in micrometres per pixel.
   * @defaultValue that of level 0
   */
  readonly processingMpp?: number;
  /**
   * Names and colours by type number.
   * @defaultValue those of the model, or one class, `Nucleus`
   */
  readonly classes?: readonly NucleusClass[];
  /** Settings of the run, noted in the file's provenance. Plain JSON values; leave out what changes from run to run. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Formats that {@link createWriter} knows. */
export const writerFormats: readonly NucleusFormat[] = Object.freeze([
  ...(native.writerFormats() as NucleusFormat[]),
  'parquet',
]);

/** Says what the file was made from. Holds no clock time, so that equal runs give equal bytes. */
function provenance(slide: Slide | undefined, fingerprint: string, options: WriterOptions): string {
  const { model, config = {} } = options;
  return JSON.stringify({
    software: 'histojet',
    version,
    slide: slide && {
      file: basename(slide.path),
      fingerprint,
      mpp: slide.mpp && [slide.mpp.x, slide.mpp.y],
      mppSource: slide.mpp?.source,
      size: [slide.width, slide.height],
      bounds: [slide.bounds.x, slide.bounds.y, slide.bounds.width, slide.bounds.height],
    },
    model: model && {
      name: model.info.architecture,
      weights: model.info.weights.sha256,
      precision: model.info.precision,
    },
    config,
  });
}

let wrap: (backend: WriterBackend, path: string) => NucleusWriter;

/**
 * Streams nuclei into a file in bounded memory. The file keeps the suffix `.part` until it is closed; after each write
 * the `.part` is itself a complete document (DICOM and Parquet: only once the writer is closed or abandoned).
 *
 * @example
 * const writer = await createWriter('case-17.geojson.gz', { slide, model });
 * for await (const batch of model.segmentSlide(slide)) await writer.write(batch);
 * await writer.close();
 */
export class NucleusWriter implements AsyncDisposable {
  /** The final name of the file. */
  readonly path: string;
  #backend: WriterBackend | null;
  #count = 0;
  /** Writes happen in the order of the calls; a failure stays for all later ones. */
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  static {
    wrap = (backend, path) => new NucleusWriter(backend, path);
  }

  private constructor(backend: WriterBackend, path: string) {
    this.#backend = backend;
    this.path = path;
  }

  /** Nuclei written so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Appends nuclei. Calls may overlap; the order of the calls is kept.
   *
   * @throws {@link HistojetError} `HISTOJET_IO` (for example a full disk), `HISTOJET_DISPOSED`; TypeError
   */
  async write(batch: NucleusList): Promise<void> {
    const nuclei = nucleiHandle(batch, 'batch');
    const backend = this.#open();
    const job = this.#last.then(async () => {
      this.#count = await backend.write(nuclei);
    });
    this.#last = job;
    job.catch(() => {}); // reported here, and again by whatever is called next
    await job;
  }

  /**
   * Finishes the document and gives it its final name. Closing twice is fine.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`; also the failure of an earlier write, and the `.part` then stays
   */
  close(): Promise<void> {
    const backend = this.#backend;
    if (backend === null) return this.#closing ?? Promise.resolve();
    this.#backend = null;
    this.#closing = this.#last.then(() => backend.finish()).finally(() => backend.release().catch(() => {}));
    return this.#closing;
  }

  /**
   * Stops without finishing: the file stays as a readable `.part`.
   *
   * @throws {@link HistojetError} `HISTOJET_IO` when Parquet's last rows cannot be written and nothing failed before
   */
  async abandon(): Promise<void> {
    const backend = this.#backend;
    if (backend === null) return;
    this.#backend = null;
    const failed = await this.#last.then(
      () => false,
      () => true,
    );
    await backend.release().catch((error: unknown) => {
      if (!failed) throw error;
    });
  }

  /** Leaves an unfinished file as a `.part`: only {@link NucleusWriter.close} gives it its name. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.abandon();
  }

  #open(): WriterBackend {
    if (this.#backend === null) throw disposedError('writer');
    return this.#backend;
  }
}

/**
 * Opens a file for nuclei.
 *
 * @param path - final name; while writing, the file is called `<path>.part`
 * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (no known extension), `HISTOJET_IO`, `HISTOJET_DISPOSED`
 * (the slide); TypeError, RangeError
 */
export async function createWriter(path: string, options?: WriterOptions): Promise<NucleusWriter> {
  validate.text('path', path);
  const given = validate.options('options', options);
  const { slide, model, format, origin, processingMpp, classes = model?.info.types ?? [], signal } = given;
  const checked = {
    format: format === undefined ? '' : validate.oneOf('format', format, writerFormats),
    origin: origin === undefined ? undefined : validate.oneOf('origin', origin, ['bounds', 'level0']),
    processingMpp: processingMpp === undefined ? 0 : validate.positive('processingMpp', processingMpp),
    classes: classes.map(({ name, color }, i) => ({
      name: validate.text(`classes[${i}].name`, name),
      color: validate.color(`classes[${i}].color`, color),
    })),
  };
  const fingerprint = slide === undefined ? '' : await slide.fingerprint(signal === undefined ? {} : { signal });
  const nativeOptions = {
    ...checked,
    path,
    boundsX: slide?.bounds.x ?? 0,
    boundsY: slide?.bounds.y ?? 0,
    mpp: slide?.mpp ? Math.sqrt(slide.mpp.x * slide.mpp.y) : 0,
    fingerprint,
    weightsHash: model?.info.weights.sha256 ?? '',
    provenance: provenance(slide, fingerprint, given),
    otherFormats: 'parquet (.parquet)',
  };
  const parquet = format === 'parquet' || (format === undefined && path.toLowerCase().endsWith('.parquet'));
  const open = parquet ? (await import('./parquet/parquet-backend.js')).openParquet : openNative;
  return wrap(await open(nativeOptions, signal), path);
}
