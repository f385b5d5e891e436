import { HistojetError } from '../errors.js';
import * as validate from '../internal/validate.js';
import { documentPieces } from './document-pieces.js';
import { type Member, MemberSplitter } from './member-splitter.js';
import { NucleusList } from './nucleus-list.js';

/** Nuclei per list, unless the document's end comes first. */
const batchSize = 16384;

/** How {@link readHoverNetJson} reads. */
export interface HoverNetJsonOptions {
  /**
   * Level-0 pixels per pixel of the document. Default 1, or what `magnification` says.
   */
  readonly scale?: number;
  /**
   * Magnification of level 0, for example 40: coordinates are scaled by it over the document's own magnification
   * (`mag`). A document of a single picture has no `mag`; give `scale` then. Excludes `scale`.
   */
  readonly magnification?: number;
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal;
}

/** What a nucleus of the document may have; only the contour is needed. */
interface RawNucleus {
  readonly contour?: unknown;
  readonly type?: unknown;
}

/** Where something is wrong. */
function corrupt(path: string, byte: number, reason: string, cause?: unknown): HistojetError {
  return new HistojetError('HISTOJET_CORRUPT_FILE', `${path}, byte ${byte}: ${reason}`, { cause });
}

/** Python writes NaN and Infinity, which JSON does not know; here they are null. Texts stay as they are. */
function withoutNaN(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (match) => (match[0] === '"' ? match : 'null'));
}

/** The nuclei of a member's text: one, or several when plain values come before it. */
function parseMember({ text, byte }: Member, path: string): [id: string, nucleus: unknown][] {
  const parse = (json: string) => Object.entries(JSON.parse(`{${json}}`) as Record<string, unknown>);
  try {
    return parse(text);
  } catch (cause) {
    try {
      if (/NaN|Infinity/.test(text)) return parse(withoutNaN(text));
    } catch {
      // The first failure tells more.
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw corrupt(path, byte, `no valid JSON: ${reason}`, cause);
  }
}

/** Factor from the document's pixels to level-0 pixels, once the nuclei have begun. */
function scaleOf(path: string, splitter: MemberSplitter, options: HoverNetJsonOptions): number {
  const { scale, magnification } = options;
  if (magnification === undefined) return scale ?? 1;
  const text = splitter.magnification;
  const own = Number(text);
  if (text !== undefined && own > 0 && Number.isFinite(own)) return magnification / own;
  throw new HistojetError(
    'HISTOJET_UNSUPPORTED_FORMAT',
    `${path}: no magnification ("mag": ${text ?? 'nothing'}) stands before the nuclei; give the scale instead`,
  );
}

/** Nuclei that become a list. */
class Batch {
  readonly #path: string;
  readonly #scale: number;
  #rings: Float64Array[] = [];
  #types: number[] = [];
  /** Whether the document has types; its first nucleus decides. */
  #typed: boolean | undefined;

  constructor(path: string, scale: number) {
    this.#path = path;
    this.#scale = scale;
  }

  get length(): number {
    return this.#rings.length;
  }

  add(member: Member): void {
    for (const [id, value] of parseMember(member, this.#path)) {
      const where = `nucleus ${JSON.stringify(id.slice(0, 40))}`;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw corrupt(this.#path, member.byte, `${where}: expected an object, got ${validate.kindOf(value)}`);
      }
      const { contour, type }: RawNucleus = value;
      this.#rings.push(this.#ring(contour, member.byte, where));
      this.#addType(type, member.byte, where);
    }
  }

  /** The list of what was added since the last one. */
  take(): NucleusList {
    const list = NucleusList.fromContours(this.#rings, this.#typed === true ? { types: this.#types } : {});
    this.#rings = [];
    this.#types = [];
    return list;
  }

  #ring(contour: unknown, byte: number, where: string): Float64Array {
    if (!Array.isArray(contour) || contour.length < 3) {
      const what = Array.isArray(contour) ? `${contour.length} points` : validate.kindOf(contour);
      throw corrupt(this.#path, byte, `${where}: expected a contour of at least 3 points, got ${what}`);
    }
    const ring = new Float64Array(2 * contour.length);
    contour.forEach((point: unknown, i) => {
      const [x, y, ...more]: unknown[] = Array.isArray(point) ? point : [];
      if (!Number.isFinite(x) || !Number.isFinite(y) || more.length > 0) {
        throw corrupt(this.#path, byte, `${where}: point ${i} of the contour is no pair of finite numbers`);
      }
      // The document's points are the centres of pixels, those of lists count from the pixels' edges.
      ring[2 * i] = ((x as number) + 0.5) * this.#scale;
      ring[2 * i + 1] = ((y as number) + 0.5) * this.#scale;
    });
    return ring;
  }

  #addType(type: unknown, byte: number, where: string): void {
    const known = type !== null && type !== undefined;
    this.#typed ??= known;
    if (!known) {
      this.#types.push(0);
    } else if (typeof type !== 'number' || !Number.isInteger(type) || type < 0 || type > 255) {
      throw corrupt(this.#path, byte, `${where}: expected a type from 0 to 255, got ${validate.kindOf(type)}`);
    } else if (!this.#typed) {
      throw corrupt(this.#path, byte, `${where}: has a type, the nuclei before it have none`);
    } else {
      this.#types.push(type);
    }
  }
}

function checkedOptions(options: HoverNetJsonOptions | undefined): HoverNetJsonOptions {
  const given = validate.options('options', options);
  validate.optional('scale', given.scale, validate.positive);
  validate.optional('magnification', given.magnification, validate.positive);
  if (given.scale !== undefined && given.magnification !== undefined) {
    throw new HistojetError('HISTOJET_INVALID_ARGUMENT', 'scale and magnification exclude each other');
  }
  validate.signal(given.signal);
  return given;
}

/**
 * Reads the nuclei of a HoVer-Net JSON document of any size in bounded memory, list after list in the document's order;
 * packed with gzip or not (recognised by content).
 *
 * A list holds outlines and, where the document's first nucleus has one, types (`null` later on is 0). Centroids, boxes
 * and areas are those of the outlines: HoVer-Net's own boxes are wrong for slides, and its outlines run through the
 * centres of the border pixels, so an area is smaller than the count of pixels by about half the outline's length.
 * Points become (x + 0.5, y + 0.5) times the scale, the pixel-edge convention of all lists. Probabilities of types are
 * left behind. `NaN` and `Infinity`, which Python writes, are read as `null`.
 *
 * @param path - a local file
 * @param options - how coordinates become those of level 0
 * @throws {@link HistojetError} `HISTOJET_IO`; `HISTOJET_CORRUPT_FILE` with the place in the unpacked document;
 *   `HISTOJET_UNSUPPORTED_FORMAT` when `magnification` is given and the document does not say its own before the nuclei;
 *   `HISTOJET_INVALID_ARGUMENT`; TypeError, RangeError
 * @example
 * for await (const nuclei of readHoverNetJson('slide.json.gz', { magnification: 40 })) await writer.write(nuclei);
 */
export async function* readHoverNetJson(
  path: string,
  options?: HoverNetJsonOptions,
): AsyncGenerator<NucleusList, void, undefined> {
  validate.text('path', path);
  const checked = checkedOptions(options);
  const splitter = new MemberSplitter(path);
  let batch: Batch | undefined;
  for await (const piece of documentPieces(path, checked.signal)) {
    for (const member of splitter.push(piece)) {
      batch ??= new Batch(path, scaleOf(path, splitter, checked));
      batch.add(member);
      if (batch.length >= batchSize) yield batch.take();
    }
  }
  splitter.end();
  if (batch !== undefined && batch.length > 0) yield batch.take();
}
