import type { Rect } from '../internal/rect.js';

/** What {@link densestRegion} looks at. */
export interface Centroids {
  /** [n, 2] level-0 pixels. */
  readonly centroids: Float32Array;
}

/**
 * The square window with the most centroids, on a grid of half its side, within the slide; smaller where the slide is.
 */
export function densestRegion(lists: Iterable<Centroids>, width: number, height: number, side: number): Rect {
  const size = { width: Math.min(side, width), height: Math.min(side, height) };
  const step = Math.max(1, Math.floor(side / 2));
  const columns = Math.max(1, Math.ceil(width / step));
  const rows = Math.max(1, Math.ceil(height / step));
  const counts = new Float64Array(columns * rows);
  for (const { centroids } of lists) {
    for (let i = 0; i + 1 < centroids.length; i += 2) {
      const column = Math.min(columns - 1, Math.max(0, Math.floor((centroids[i] ?? 0) / step)));
      const row = Math.min(rows - 1, Math.max(0, Math.floor((centroids[i + 1] ?? 0) / step)));
      const at = row * columns + column;
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  const count = (column: number, row: number): number =>
    column < columns && row < rows ? (counts[row * columns + column] ?? 0) : 0;
  let best = { x: 0, y: 0, total: -1 };
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const x = column * step;
      const y = row * step;
      if (x + size.width > width || y + size.height > height) continue;
      const total = count(column, row) + count(column + 1, row) + count(column, row + 1) + count(column + 1, row + 1);
      if (total > best.total) best = { x, y, total };
    }
  }
  return { x: best.x, y: best.y, ...size };
}
