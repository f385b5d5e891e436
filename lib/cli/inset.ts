import type { Image } from '../internal/image.js';
import type { Rect } from '../internal/rect.js';

const marginPx = 24;
const framePx = 3;
const white = [255, 255, 255] as const;
const red = [220, 30, 30] as const;

type Color = readonly [number, number, number];

/** Fills the part of a rectangle that lies in the picture (RGB). */
function fill(picture: Image, { x, y, width, height }: Rect, color: Color): void {
  const right = Math.min(picture.width, x + width);
  const bottom = Math.min(picture.height, y + height);
  for (let row = Math.max(0, y); row < bottom; row += 1) {
    for (let column = Math.max(0, x); column < right; column += 1) {
      picture.data.set(color, 3 * (row * picture.width + column));
    }
  }
}

/** Draws the border of a rectangle, inside its edges. */
function frame(picture: Image, { x, y, width, height }: Rect, line: number, color: Color): void {
  fill(picture, { x, y, width, height: line }, color);
  fill(picture, { x, y: y + height - line, width, height: line }, color);
  fill(picture, { x, y, width: line, height }, color);
  fill(picture, { x: x + width - line, y, width: line, height }, color);
}

/**
 * Puts a small picture of the whole slide into the lower right corner, with a red frame around what the large one
 * shows. Both are RGB; the large one is changed. A picture that is too small for it, or shows the
 * whole slide itself, stays as it is.
 */
export function addInset(picture: Image, overview: Image, shown: Rect, slideWidth: number): void {
  const left = picture.width - overview.width - marginPx;
  const top = picture.height - overview.height - marginPx;
  if (left < marginPx || top < marginPx || shown.width >= slideWidth) return;
  const around = { width: overview.width + 2 * framePx, height: overview.height + 2 * framePx };
  fill(picture, { x: left - framePx, y: top - framePx, ...around }, white);
  for (let row = 0; row < overview.height; row += 1) {
    const from = 3 * row * overview.width;
    const to = 3 * ((top + row) * picture.width + left);
    picture.data.set(overview.data.subarray(from, from + 3 * overview.width), to);
  }
  const scale = overview.width / slideWidth;
  const box = {
    x: left + Math.round(shown.x * scale),
    y: top + Math.round(shown.y * scale),
    width: Math.max(4, Math.round(shown.width * scale)),
    height: Math.max(4, Math.round(shown.height * scale)),
  };
  frame(picture, box, 2, red);
}
