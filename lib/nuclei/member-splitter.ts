import { HistojetError } from '../errors.js';
import { closes, meanings, opens, StringSkipper, startsString } from './json-nesting.js';

/** Longest single nucleus that is accepted, in bytes. */
const largestMemberBytes = 64 * 1024 * 1024;
/** Most bytes at the top of the document (keys and plain values) that are kept to find the keys. */
const largestHeadBytes = 1024 * 1024;
/** Deepest nesting that is accepted; a HoVer-Net document needs 5. */
const deepestNesting = 64;

const openBrace = 0x7b;
const closeBrace = 0x7d;
const comma = 0x2c;

/** One `"key": value` of the object that is cut into members. */
export interface Member {
  /** The member's text, without the commas around it. */
  readonly text: string;
  /** Where it begins in the document, in bytes. */
  readonly byte: number;
}

/** Where the splitter is: before the object of nuclei, inside it, behind it. */
type Stage = 'before' | 'inside' | 'behind';

/**
 * Cuts a HoVer-Net document `{"mag": …, "nuc": {"1": {…}, …}}` that arrives in pieces into its nuclei. Keeps no more
 * than one unfinished nucleus. Other top-level members are skipped.
 */
export class MemberSplitter {
  readonly #name: string;
  #stage: Stage = 'before';
  #depth = 0;
  readonly #strings = new StringSkipper();
  /** What lies at the top level before the nuclei, without the contents of nested values. */
  #head = '';
  /** Bytes of earlier pieces that belong to an unfinished nucleus. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Where in the present piece the unfinished nucleus, or the unfinished stretch of the head, begins. */
  #start = 0;
  #members: Member[] = [];
  #seen = 0;

  /** @param name - what messages call the document */
  constructor(name: string) {
    this.#name = name;
  }

  /** The text of the value of "mag", once the nuclei have begun; undefined when it does not come before them. */
  get magnification(): string | undefined {
    return /[{,]\s*"mag"\s*:\s*([^\s,}]+)/.exec(this.#head)?.[1];
  }

  /** The nuclei that the next piece completes. */
  push(piece: Buffer): Member[] {
    this.#members = [];
    this.#start = 0;
    let i = this.#strings.inside ? this.#strings.skip(piece, 0) : 0;
    while (i < piece.length) {
      const byte = piece[i] as number;
      const meaning = meanings[byte];
      if (meaning === startsString && this.#depth > 0) i = this.#strings.skip(piece, i + 1);
      else if (meaning === opens) this.#open(piece, i++);
      else if (meaning === closes) this.#close(piece, i++);
      else {
        if (this.#depth === 0) this.#expectFiller(byte, i);
        i += 1;
      }
    }
    if (this.#stage === 'inside') this.#keep(piece.subarray(this.#start));
    else if (this.#stage === 'before' && this.#depth === 1) this.#addHead(piece, piece.length);
    this.#seen += piece.length;
    return this.#members;
  }

  /** Checks that the document is complete. */
  end(): void {
    if (this.#seen === 0) throw this.#corrupt(0, 'expected a HoVer-Net document, got an empty file');
    if (this.#depth !== 0) throw this.#corrupt(0, 'the JSON document ends too early');
    if (this.#stage !== 'behind') {
      throw this.#corrupt(0, 'expected a HoVer-Net document, got JSON without an object "nuc"');
    }
  }

  #open(piece: Buffer, index: number): void {
    if (this.#depth === deepestNesting) throw this.#corrupt(index, `nested deeper than ${deepestNesting}`);
    if (this.#depth === 0) {
      if (this.#stage === 'behind') throw this.#corrupt(index, 'a second document follows the first one');
      if (piece[index] !== openBrace) {
        throw this.#corrupt(index, 'expected a HoVer-Net document, an object with a member "nuc", got an array');
      }
      this.#start = index;
    } else if (this.#depth === 1 && this.#stage === 'before') {
      this.#addHead(piece, index);
      if (piece[index] === openBrace && /[{,]\s*"nuc"\s*:\s*$/.test(this.#head)) {
        this.#stage = 'inside';
        this.#start = index + 1;
      }
    }
    this.#depth += 1;
  }

  #close(piece: Buffer, index: number): void {
    this.#depth -= 1;
    if (this.#depth < 0) throw this.#corrupt(index, 'a bracket closes that was never opened');
    if (this.#stage === 'inside') {
      if (this.#depth === 2) this.#take(piece, index + 1);
      else if (this.#depth === 1) {
        if (piece[index] !== closeBrace) throw this.#corrupt(index, 'the object "nuc" is closed by another bracket');
        this.#take(piece, index);
        this.#stage = 'behind';
      }
    } else if (this.#stage === 'before') {
      if (this.#depth === 1) this.#start = index + 1;
      else if (this.#depth === 0) {
        throw this.#corrupt(index, 'expected a HoVer-Net document, got JSON without an object "nuc"');
      }
    }
  }

  #addHead(piece: Buffer, end: number): void {
    this.#head += piece.toString('latin1', this.#start, end);
    if (this.#head.length > largestHeadBytes) {
      throw this.#corrupt(end, `more than ${largestHeadBytes} bytes come before the nuclei`);
    }
  }

  /** Hands over the unfinished nucleus, which ends before `end` of this piece. */
  #take(piece: Buffer, end: number): void {
    const rest = piece.subarray(this.#start, end);
    const bytes = this.#pending.length === 0 ? rest : Buffer.concat([...this.#pending, rest]);
    const begin = this.#seen + this.#start - this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#start = end;
    let first = 0;
    while (first < bytes.length && ((bytes[first] as number) <= 0x20 || bytes[first] === comma)) ++first;
    if (first < bytes.length) this.#members.push({ text: bytes.toString('utf8', first), byte: begin + first });
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return;
    this.#pending.push(rest);
    this.#pendingBytes += rest.length;
    if (this.#pendingBytes > largestMemberBytes) {
      throw this.#corrupt(0, `one nucleus is longer than ${largestMemberBytes} bytes`);
    }
  }

  /** Refuses what is neither white space nor the byte order mark at the very beginning. */
  #expectFiller(byte: number, index: number): void {
    const inMark = this.#seen + index < 3 && (byte === 0xef || byte === 0xbb || byte === 0xbf);
    if (byte <= 0x20 || inMark) return;
    throw this.#corrupt(index, 'expected a HoVer-Net document, an object with a member "nuc"');
  }

  #corrupt(offset: number, reason: string): HistojetError {
    return new HistojetError('HISTOJET_CORRUPT_FILE', `${this.#name}, byte ${this.#seen + offset}: ${reason}`);
  }
}
