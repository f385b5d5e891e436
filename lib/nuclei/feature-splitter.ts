import { HistojetError } from '../errors.js';
import { meanings, opens, StringSkipper, startsString } from './json-nesting.js';

/** Longest single member of a document (a feature with its coordinates) that is accepted, in bytes. */
const largestElementBytes = 256 * 1024 * 1024;

const openBracket = 0x5b;
const comma = 0x2c;

/** How far back the key of an array is looked for. */
const keyBytes = 256;

/** What may stand between elements: commas, white space and the three bytes of a byte order mark. */
function isFiller(byte: number): boolean {
  return byte === comma || byte <= 0x20 || byte === 0xef || byte === 0xbb || byte === 0xbf;
}

/**
 * Cuts a GeoJSON document that arrives in pieces into texts of whole elements: the members of the top-level array, of
 * the `features` array of a FeatureCollection, or the document itself when it is a single object (or several, one after
 * the other). Each text is a list of elements with commas between them, so that one JSON.parse reads many. Keeps no
 * more than one unfinished element.
 */
export class FeatureSplitter {
  readonly #name: string;
  #depth = 0;
  readonly #strings = new StringSkipper();
  /** Depth at which elements lie: 1 in a top-level array, 2 in a collection's `features`; 0: unknown, -1: over. */
  #elementDepth = 0;
  #found = false;
  /** Bytes of earlier pieces that belong to an unfinished element or object. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Where in the present piece the unfinished element or object begins. */
  #start = 0;
  /** End of the last finished element of the present piece, or -1. */
  #complete = -1;
  #texts: string[] = [];
  #seen = 0;

  /** @param name - what messages call the document */
  constructor(name: string) {
    this.#name = name;
  }

  /** The elements that the next piece completes, as JSON texts. */
  push(piece: Buffer): string[] {
    this.#texts = [];
    this.#start = 0;
    this.#complete = -1;
    let i = this.#strings.inside ? this.#strings.skip(piece, 0) : 0;
    while (i < piece.length) {
      const meaning = meanings[piece[i] as number];
      if (meaning === 0) i += 1;
      else if (meaning === startsString) i = this.#strings.skip(piece, i + 1);
      else if (meaning === opens) this.#open(piece, i++);
      else this.#close(piece, i++);
    }
    if (this.#elementDepth > 0 && this.#complete >= 0) this.#take(piece, this.#complete);
    if (this.#elementDepth >= 0) this.#keep(piece.subarray(this.#start));
    this.#seen += piece.length;
    return this.#texts;
  }

  /** Checks that the document is complete. */
  end(): void {
    if (this.#depth !== 0 || this.#strings.inside || (this.#elementDepth === 0 && !this.#found)) {
      throw new HistojetError('HISTOJET_CORRUPT_FILE', `${this.#name}: the JSON document ends too early`);
    }
  }

  #open(piece: Buffer, index: number): void {
    if (this.#elementDepth === 0 && this.#depth <= 1 && piece[index] === openBracket) {
      if (this.#depth === 0 || this.#opensFeatures(piece, index)) {
        this.#elementDepth = this.#depth + 1;
        this.#clear();
        this.#start = index + 1;
      }
    }
    this.#depth += 1;
  }

  #close(piece: Buffer, index: number): void {
    this.#depth -= 1;
    if (this.#depth < 0) throw this.#corrupt(index, 'a bracket closes that was never opened');
    if (this.#elementDepth > 0) {
      if (this.#depth === this.#elementDepth) this.#complete = index + 1;
      else if (this.#depth < this.#elementDepth) {
        this.#take(piece, this.#complete);
        this.#elementDepth = -1; // what follows the array is of no interest
      }
    } else if (this.#elementDepth === 0 && this.#depth === 0) {
      this.#take(piece, index + 1);
      this.#found = true;
    }
  }

  /** Whether the array that opens at `index` is the value of the key "features". */
  #opensFeatures(piece: Buffer, index: number): boolean {
    let before = piece.toString('latin1', Math.max(0, index - keyBytes), index);
    for (let k = this.#pending.length - 1; k >= 0 && before.length < keyBytes; --k) {
      const part = this.#pending[k] as Buffer;
      before = part.toString('latin1', Math.max(0, part.length - keyBytes)) + before;
    }
    return /"features"\s*:\s*$/.test(before);
  }

  /** Hands over what is unfinished up to `end`, which lies in this piece unless it is below the start. */
  #take(piece: Buffer, end: number): void {
    const last = Math.max(this.#start, end);
    const bytes = Buffer.concat([...this.#pending, piece.subarray(this.#start, last)]);
    this.#clear();
    this.#start = last;
    let first = 0;
    while (first < bytes.length && isFiller(bytes[first] as number)) ++first;
    if (first < bytes.length) this.#texts.push(bytes.toString('utf8', first));
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return;
    this.#pending.push(rest);
    this.#pendingBytes += rest.length;
    if (this.#pendingBytes > largestElementBytes) {
      throw this.#corrupt(0, `one element is longer than ${largestElementBytes} bytes`);
    }
  }

  #clear(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  #corrupt(offset: number, reason: string): HistojetError {
    return new HistojetError('HISTOJET_CORRUPT_FILE', `${this.#name}, byte ${this.#seen + offset}: ${reason}`);
  }
}
