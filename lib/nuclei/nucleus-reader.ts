import { disposedError, HistojetError } from '../errors.js';
import { callNative } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { native, type ReaderHandle } from '../native.js';
import type { NucleusClass } from './nucleus-class.js';
import { type NucleusList, wrapNuclei } from './nucleus-list.js';

/** A format of {@link openNuclei}. */
export type NucleusReaderFormat = string;

/** Options of {@link openNuclei}. */
export interface OpenNucleiOptions {
  /**
   * The format, one of {@link readerFormats}.
   * @defaultValue recognised by content
   */
  readonly format?: NucleusReaderFormat;
  /**
   * Magnification of level 0, for example 40: coordinates of files with a magnification of their own (HoVer-Net's
   * JSON) are scaled by it over theirs. Files in level-0 pixels stay as they are.
   * @defaultValue coordinates are left as they are
   */
  readonly magnification?: number;
  /** Stops the reading; promises reject with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Formats that {@link openNuclei} knows. */
export const readerFormats: readonly NucleusReaderFormat[] = Object.freeze(native.readerFormats());

let wrap: (handle: ReaderHandle, path: string, options: OpenNucleiOptions) => NucleusReader;

/** The JSON object of a provenance; null for none, and for what is no JSON. */
function parseProvenance(text: string): Readonly<Record<string, unknown>> | null {
  if (text === '') return null;
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

/**
 * The nuclei of a file, list after list, in bounded memory; {@link openNuclei} makes it. Can be iterated once, and is
 * closed when the loop ends, in whatever way.
 */
export class NucleusReader implements AsyncIterable<NucleusList>, AsyncDisposable {
  /** The file. */
  readonly path: string;
  /** One of {@link readerFormats}. */
  readonly format: NucleusReaderFormat;
  /** What the file says of its origin, as our writers leave it; null where it says nothing. */
  readonly provenance: Readonly<Record<string, unknown>> | null;
  /** Magnification that the file's own coordinates are at; null for level-0 pixels and where the file does not tell. */
  readonly magnification: number | null;
  readonly #scale: number;
  readonly #signal: AbortSignal | undefined;
  #handle: ReaderHandle | null;
  #classes: readonly NucleusClass[];
  #iterated = false;

  static {
    wrap = (handle, path, options) => new NucleusReader(handle, path, options);
  }

  private constructor(handle: ReaderHandle, path: string, { magnification, signal }: OpenNucleiOptions) {
    const info = native.readerInfo(handle);
    this.#handle = handle;
    this.path = path;
    this.format = info.format;
    this.provenance = parseProvenance(info.provenance);
    this.magnification = info.magnification;
    this.#classes = info.classes;
    this.#signal = signal;
    this.#scale = 1;
    if (magnification === undefined || info.format !== 'hovernet-json') return;
    if (info.magnification === null) {
      throw new HistojetError(
        'HISTOJET_UNSUPPORTED_FORMAT',
        `${path}: no magnification ("mag") stands before the nuclei; give the scale to readHoverNetJson instead`,
      );
    }
    this.#scale = magnification / info.magnification;
  }

  /**
   * Names and colours by type number, as far as the file has been read: it grows while a file is read that has no table
   * of its classes. Empty for files without classes, and for those that know numbers only.
   */
  get classes(): readonly NucleusClass[] {
    return this.#classes;
  }

  /**
   * The lists.
   *
   * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE` saying where, `HISTOJET_IO`, `HISTOJET_DISPOSED` (closed, or
   *   iterated before)
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<NucleusList, void, undefined> {
    if (this.#iterated) throw disposedError('reader of nuclei');
    this.#iterated = true;
    try {
      while (true) {
        const handle = this.#handle;
        if (handle === null) throw disposedError('reader of nuclei');
        const { nuclei, classes } = await callNative(this.#signal, (cancel) =>
          native.readerNext(handle, this.#scale, cancel),
        );
        this.#classes = classes;
        if (nuclei === null) return;
        yield wrapNuclei(nuclei);
      }
    } finally {
      this.close();
    }
  }

  /** Lets go of the file. Closing twice is fine. */
  close(): void {
    if (this.#handle !== null) native.readerClose(this.#handle);
    this.#handle = null;
  }

  /** {@link NucleusReader.close} */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/**
 * Opens a file of nuclei: GeoJSON of QuPath and others and HoVer-Net's JSON, packed with gzip or
 * not, and TIAToolbox's AnnotationStore.
 *
 * Coordinates are those of the file in the pixel-edge convention. GeoJSON's classes become types: the numbers of the
 * class table that our writers leave, else numbers from 1 on in the order of the nuclei, 0 being nuclei without a class;
 * a file that names no class but "Nucleus" has no types.
 *
 * @param path - a local file
 * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_CORRUPT_FILE`, `HISTOJET_UNSUPPORTED_FORMAT` (none of the known
 *   formats); TypeError, RangeError
 * @example
 * const reader = await openNuclei('case-17.geojson.gz');
 * for await (const nuclei of reader) count(nuclei.types);
 * console.log(reader.classes);
 */
export async function openNuclei(path: string, options?: OpenNucleiOptions): Promise<NucleusReader> {
  validate.text('path', path);
  const given = validate.options('options', options);
  const format = given.format === undefined ? '' : validate.oneOf('format', given.format, readerFormats);
  validate.optional('magnification', given.magnification, validate.positive);
  const handle = await callNative(given.signal, (cancel) => native.readerOpen(path, format, cancel));
  try {
    return wrap(handle, path, given);
  } catch (error) {
    native.readerClose(handle);
    throw error;
  }
}
