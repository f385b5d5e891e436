import { HistojetError } from '../errors.js';

/** Longest single member of a document (a feature with its coordinates) that is accepted, in bytes. */
const largestElementBytes = 256 * 1024 * 1024;

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;

/** What may stand between elements: commas, white space and the three bytes of a byte order mark. */
function isFiller(byte: number): boolean {
  return byte === comma || byte <= 0x20 || byte === 0xef || byte === 0xbb || byte === 0xbf;
}

/**
 * Cuts a GeoJSON document that arrives in pieces into texts of whole elements: the members of the top-level array, of
 * the `features` array of a FeatureCollection, or the document itself when it is a single object (or
 * several, one after the other). Each text is a list
 * of elements with commas between them, so that one JSON.parse reads many. Keeps no more than one unfinished element.
 */
export class FeatureSplitter {
  readonly #name: string;
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Depth at which elements lie: 1 in a top-level array, 2 in a collection's `features`; 0 until that is known. */
  #elementDepth = 0;
  #found = false;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #seen = 0;

  /** @param name - what messages call the document */
  constructor(name: string) {
    this.#name = name;
  }

  /** The elements that the next piece completes, as JSON texts. */
  push(piece: Buffer): string[] {
    const texts: string[] = [];
    let start = 0; // of the part of this piece that belongs to an unfinished element or top-level object
    let complete = -1; // end of the last finished element in this piece
    let depth = this.#depth;
    let inString = this.#inString;
    for (let i = 0; i < piece.length; ++i) {
      const byte = piece[i] as number;
      if (inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) inString = false;
      } else if (byte === quote) {
        inString = true;
      } else if (byte === openBrace || byte === openBracket) {
        if (depth === 0 && this.#elementDepth === 0 && byte === openBracket) {
          this.#elementDepth = 1;
          this.#clear();
          start = i + 1;
        } else if (depth === 1 && this.#elementDepth === 0 && byte === openBracket && this.#opensFeatures(piece, i)) {
          this.#elementDepth = 2;
          this.#clear();
          start = i + 1;
        }
        depth += 1;
      } else if (byte === closeBrace || byte === closeBracket) {
        depth -= 1;
        if (depth < 0) throw this.#corrupt(i, 'a bracket closes that was never opened');
        if (depth === this.#elementDepth && this.#elementDepth > 0) complete = i + 1;
        else if (this.#elementDepth > 0 && depth === this.#elementDepth - 1) {
          this.#take(texts, piece, start, complete);
          this.#elementDepth = -1; // what follows the array is of no interest
          complete = -1;
        } else if (depth === 0 && this.#elementDepth === 0) {
          this.#take(texts, piece, start, i + 1);
          start = i + 1;
          this.#found = true;
        }
      }
    }
    this.#depth = depth;
    this.#inString = inString;
    if (this.#elementDepth > 0 && complete >= 0) {
      this.#take(texts, piece, start, complete);
      start = complete;
    }
    if (this.#elementDepth >= 0) this.#keep(piece.subarray(start));
    this.#seen += piece.length;
    return texts;
  }

  /** Checks that the document is complete. */
  end(): void {
    if (this.#depth !== 0 || this.#inString || (this.#elementDepth === 0 && !this.#found)) {
      throw new HistojetError('HISTOJET_CORRUPT_FILE', `${this.#name}: the JSON document ends too early`);
    }
  }

  /** Whether the array that opens at `index` is the value of the key "features". */
  #opensFeatures(piece: Buffer, index: number): boolean {
    const before = Buffer.concat([...this.#pending, piece.subarray(0, index)]);
    return /"features"\s*:\s*$/.test(before.toString('latin1', Math.max(0, before.length - 256)));
  }

  #take(texts: string[], piece: Buffer, start: number, end: number): void {
    if (end <= start && this.#pending.length === 0) return;
    const bytes = Buffer.concat([...this.#pending, piece.subarray(start, Math.max(start, end))]);
    this.#clear();
    let first = 0;
    while (first < bytes.length && isFiller(bytes[first] as number)) ++first;
    if (first < bytes.length) texts.push(bytes.toString('utf8', first));
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
