// The picture that the networks are measured with, and the same as input of the rivals.

/** RGB with structure at every scale; speed does not depend on it, but the comparison of the results should. */
export function testPicture(width) {
  const data = new Uint8Array(3 * width * width);
  for (let y = 0, i = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++, i++) {
        data[i] = 128 + 60 * Math.sin(x / 9 + c) * Math.cos(y / 13) + ((x * 7 + y * 13 + c * 29) % 61);
      }
    }
  }
  return { data, width, height: width, channels: 3 };
}

/** What a network sees of a picture: `side` x `side` with a margin mirrored around it, bytes / 255, plane by plane. */
export function toPlanes({ data, width }, side) {
  const margin = (side - width) / 2;
  const period = 2 * (width - 1);
  // A margin can be wider than the picture: it is mirrored back and forth.
  const mirrored = (i) => {
    const inPeriod = ((i % period) + period) % period;
    return Math.min(inPeriod, period - inPeriod);
  };
  const area = side * side;
  const planes = new Float32Array(3 * area);
  for (let y = 0, i = 0; y < side; y++) {
    for (let x = 0; x < side; x++, i++) {
      const source = 3 * (mirrored(y - margin) * width + mirrored(x - margin));
      for (let c = 0; c < 3; c++) planes[c * area + i] = data[source + c] / 255;
    }
  }
  return planes;
}

/** Largest difference of two channels of `width` x `width` from the centre of `theirs` (`side` x `side`), relative. */
export function largestGap(ours, theirs, width, side) {
  const margin = (side - width) / 2;
  let gap = 0;
  let largest = 0;
  for (let channel = 0, i = 0; channel < 2; channel++) {
    for (let y = 0; y < width; y++) {
      const row = (channel * side + y + margin) * side + margin;
      for (let x = 0; x < width; x++, i++) {
        gap = Math.max(gap, Math.abs(ours[i] - theirs[row + x]));
        largest = Math.max(largest, Math.abs(theirs[row + x]));
      }
    }
  }
  return gap / largest;
}
