/** What a byte outside strings means to a reader that only follows the nesting; nearly all mean nothing, which is 0. */
export const startsString = 1;
export const opens = 2;
export const closes = 3;

const quote = 0x22;
const backslash = 0x5c;

/** By byte. */
export const meanings = new Uint8Array(256);
meanings[quote] = startsString;
for (const byte of Buffer.from('{[')) meanings[byte] = opens;
for (const byte of Buffer.from('}]')) meanings[byte] = closes;

/** Passes over the strings of a JSON document that arrives in pieces. */
export class StringSkipper {
  #inside = false;
  #escaped = false;

  /** Whether a string goes on in the next piece. */
  get inside(): boolean {
    return this.#inside;
  }

  /** The place after the quote that ends the string, or the end of the piece. `from` lies inside the string. */
  skip(piece: Buffer, from: number): number {
    let escaped = this.#escaped;
    for (let i = from; i < piece.length; ++i) {
      const byte = piece[i];
      if (escaped) escaped = false;
      else if (byte === backslash) escaped = true;
      else if (byte === quote) {
        this.#inside = false;
        this.#escaped = false;
        return i + 1;
      }
    }
    this.#inside = true;
    this.#escaped = escaped;
    return piece.length;
  }
}
