import type { Image } from '../internal/image.js';
import type { Rect } from '../internal/rect.js';
import type { Slide } from '../slide/slide.js';

/** Where a picture lies: its corner, and level-0 pixels per pixel of the picture. */
export interface Placed {
  readonly image: Image;
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly scaleY: number;
}

/**
 * A part of a slide as a picture whose longer side is at most `maxSize` pixels; a smaller part is not enlarged. A slide
 * without mpp gives its stored level that comes next.
 */
export async function readScaled(
  slide: Slide,
  region: Rect,
  maxSize: number,
  signal: { signal?: AbortSignal },
): Promise<Placed> {
  const { x, y } = region;
  if (slide.mpp === null) return readStoredLevel(slide, region, maxSize, signal);
  const widthUm = region.width * slide.mpp.x;
  const heightUm = region.height * slide.mpp.y;
  const mpp = Math.max(slide.mpp.x, slide.mpp.y, Math.max(widthUm, heightUm) / maxSize);
  if (mpp === slide.mpp.x && mpp === slide.mpp.y) {
    return { image: await slide.readRegion({ ...region, ...signal }), x, y, scale: 1, scaleY: 1 };
  }
  const width = Math.round(widthUm / mpp) || 1;
  const height = Math.round(heightUm / mpp) || 1;
  const image = await slide.readAt({ x, y, width, height, mpp, ...signal });
  return { image, x, y, scale: mpp / slide.mpp.x, scaleY: mpp / slide.mpp.y };
}

async function readStoredLevel(
  slide: Slide,
  region: Rect,
  maxSize: number,
  signal: { signal?: AbortSignal },
): Promise<Placed> {
  const wanted = Math.max(region.width, region.height) / maxSize;
  const found = slide.levels.findIndex(({ downsample }) => downsample >= wanted);
  const level = found < 0 ? slide.levels.length - 1 : found;
  const { width = slide.width, height = slide.height } = slide.levels[level] ?? {};
  const scale = slide.width / width;
  const scaleY = slide.height / height;
  const left = Math.floor(region.x / scale + 1e-6);
  const top = Math.floor(region.y / scaleY + 1e-6);
  const image = await slide.readRegion({
    x: left,
    y: top,
    width: Math.max(1, Math.ceil((region.x + region.width) / scale - 1e-6) - left),
    height: Math.max(1, Math.ceil((region.y + region.height) / scaleY - 1e-6) - top),
    level,
    coordinates: 'level',
    ...signal,
  });
  return { image, x: left * scale, y: top * scaleY, scale, scaleY };
}
