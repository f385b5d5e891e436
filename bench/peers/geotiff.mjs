// geotiff.js as a rival for windows of a slide: the file opened once, decoding in this thread (its pool of workers would
// hide its processor time from the measurement).

/** A reader of windows of one file, or null when geotiff.js is not installed. */
export async function openGeotiff(path) {
  let geotiff;
  try {
    geotiff = await import('geotiff');
  } catch {
    return null;
  }
  const image = await (await geotiff.fromFile(path)).getImage(0);
  return {
    readRegion: ({ x, y, width, height }) => image.readRGB({ window: [x, y, x + width, y + height], interleave: true }),
  };
}
