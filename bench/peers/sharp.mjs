// sharp (libvips) as a rival for windows of a slide: random access, one thread, no limit on the picture's size. It has
// no open handle; libvips keeps the opened file in its operation cache between calls.

/** A reader of windows, or null when sharp is not installed. */
export async function openSharp() {
  let sharp;
  try {
    ({ default: sharp } = await import('sharp'));
  } catch {
    return null;
  }
  sharp.concurrency(1);
  return {
    readRegion: (path, { x, y, width, height }) =>
      sharp(path, { page: 0, sequentialRead: false, limitInputPixels: false })
        .extract({ left: x, top: y, width, height })
        .raw()
        .toBuffer(),
  };
}
