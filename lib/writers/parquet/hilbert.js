/** Steps per side of the square that the curve fills. */
const side = 65536;

/**
 * Place on the Hilbert curve through a square of 65 536 x 65 536 cells.
 *
 * @param {number} x column, 0 to 65535
 * @param {number} y row, 0 to 65535
 * @returns {number} 0 to 2^32 - 1
 */
export function hilbertIndex(x, y) {
  let index = 0;
  for (let half = side / 2; half > 0; half >>= 1) {
    const right = (x & half) > 0 ? 1 : 0;
    const lower = (y & half) > 0 ? 1 : 0;
    index += half * half * ((3 * right) ^ lower);
    if (lower === 1) continue;
    const mirroredX = right === 1 ? side - 1 - x : x;
    const mirroredY = right === 1 ? side - 1 - y : y;
    x = mirroredY;
    y = mirroredX;
  }
  return index;
}

/**
 * @param {Float32Array} values
 * @returns {{ least: number, step: number }} what turns a value into a cell: (value - least) * step
 */
function cells(values) {
  let least = Infinity;
  let most = -Infinity;
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, step: most > least ? (side - 1) / (most - least) : 0 };
}

/**
 * Order of points along a Hilbert curve over their own box, so that neighbours in the file are neighbours on the slide.
 * Points of one cell stay in the order they came in.
 *
 * @param {Float32Array} x
 * @param {Float32Array} y as long as `x`, at most 65 536
 * @returns {Uint32Array} the number of the first point, of the second, …
 */
export function hilbertOrder(x, y) {
  const columns = cells(x);
  const rows = cells(y);
  // Place and number share one double: 32 and 16 of its 53 bits.
  const keys = new Float64Array(x.length);
  for (let i = 0; i < x.length; ++i) {
    const column = Math.floor(((x[i] ?? 0) - columns.least) * columns.step);
    const row = Math.floor(((y[i] ?? 0) - rows.least) * rows.step);
    keys[i] = hilbertIndex(column, row) * side + i;
  }
  keys.sort();
  return Uint32Array.from(keys, (key) => key % side);
}
