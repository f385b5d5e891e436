// Pseudo-random windows; bench/peers/openslide_peer.cpp draws the same ones from the same seed.

/** Linear congruential generator (Numerical Recipes), upper bits used. */
function makeRandom(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Number((BigInt(state) * BigInt(limit)) >> 32n);
  };
}

/** `count` windows of `side` px at random multiples of `align` px. */
export function randomWindows(seed, { width, height }, count, side, align = 1) {
  const below = makeRandom(seed);
  const columns = Math.floor((width - side) / align);
  const rows = Math.floor((height - side) / align);
  return Array.from({ length: count }, () => {
    const x = below(columns) * align;
    const y = below(rows) * align;
    return { x, y, width: side, height: side };
  });
}
