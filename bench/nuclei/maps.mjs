// Maps of nuclei as the rivals of post-processing read them: float32 planes of the probability and of the two
// gradients, then perhaps one byte of class for each pixel.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outFolder, root } from '../programs.mjs';
import { readNpz } from './npz.mjs';

export const sidePx = 1024;
const cellPx = 56; // one nucleus for each 3136 px: about 320 in a megapixel
const classes = 5;

/** The golden results beside the checkout, or null. */
export function fixtureFolder() {
  const folder = join(process.env.HISTOJET_SHARED_FIXTURES ?? join(root, '..', 'shared', 'fixtures'), 'hover');
  return existsSync(join(folder, 's1024.npz')) ? folder : null;
}

/** Numbers from 0 to 1, the same on every machine. */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ellipses on a jittered lattice; every fourth one leans towards its neighbour so that they touch. */
function placeNuclei(random) {
  const nuclei = [];
  for (let row = 0; row * cellPx < sidePx; row++) {
    for (let column = 0; column * cellPx < sidePx; column++) {
      const [rx, ry] = [10 + 8 * random(), 10 + 8 * random()];
      const lean = nuclei.length % 4 === 0 ? cellPx / 2 - 2 : 0;
      nuclei.push({
        x: (column + 0.5) * cellPx + 10 * (random() - 0.5) + lean,
        y: (row + 0.5) * cellPx + 16 * (random() - 0.5),
        rx,
        ry,
        kind: 1 + Math.floor(classes * random()),
      });
    }
  }
  return nuclei;
}

/** Waves of random directions, about 1 in size: what a network's maps have instead of noise. */
function smoothNoise(random, wavelengthPx) {
  const waves = Array.from({ length: 6 }, () => {
    const angle = 2 * Math.PI * random();
    const step = (2 * Math.PI) / (wavelengthPx * (0.7 + 0.6 * random()));
    return { x: step * Math.cos(angle), y: step * Math.sin(angle), phase: 2 * Math.PI * random() };
  });
  return (x, y) => waves.reduce((sum, wave) => sum + Math.sin(wave.x * x + wave.y * y + wave.phase), 0) / Math.sqrt(3);
}

/** Which nucleus a pixel is nearest to, and how far inside it lies (1 centre, 0 border), by painting one by one. */
function nearest(nuclei) {
  const owner = new Int32Array(sidePx * sidePx).fill(-1);
  const depth = new Float32Array(sidePx * sidePx).fill(-1);
  nuclei.forEach((nucleus, index) => {
    const [reachX, reachY] = [2 * nucleus.rx, 2 * nucleus.ry];
    const rows = [Math.max(0, Math.ceil(nucleus.y - reachY)), Math.min(sidePx, nucleus.y + reachY)];
    const columns = [Math.max(0, Math.ceil(nucleus.x - reachX)), Math.min(sidePx, nucleus.x + reachX)];
    for (let y = rows[0]; y < rows[1]; y++) {
      for (let x = columns[0]; x < columns[1]; x++) {
        const inside = 1 - Math.hypot((x - nucleus.x) / nucleus.rx, (y - nucleus.y) / nucleus.ry);
        if (inside <= depth[y * sidePx + x]) continue;
        depth[y * sidePx + x] = inside;
        owner[y * sidePx + x] = index;
      }
    }
  });
  return { owner, depth };
}

const clamped = (value) => Math.min(1.25, Math.max(-1.25, value));

function synthesize() {
  const random = randomNumbers(20);
  const nuclei = placeNuclei(random);
  const { owner, depth } = nearest(nuclei);
  const [bumps, leftRight, upDown] = [6, 30, 30].map((wavelength) => smoothNoise(random, wavelength));
  const planes = new Float32Array(3 * sidePx * sidePx);
  const kinds = new Uint8Array(sidePx * sidePx);
  for (let y = 0, pixel = 0; y < sidePx; y++) {
    for (let x = 0; x < sidePx; x++, pixel++) {
      const nucleus = nuclei[owner[pixel]];
      const inside = nucleus === undefined ? -1 : depth[pixel];
      planes[pixel] = 1 / (1 + Math.exp(-(18 * inside + 0.9 * bumps(x, y) + 0.3 * (random() - 0.5))));
      const near = inside > -0.2;
      const strength = near ? 0.06 : 0.02;
      const gradient = (offset, noise) =>
        clamped((near ? offset : 0) + strength * noise(x, y) + 0.012 * (random() - 0.5));
      planes[sidePx * sidePx + pixel] = gradient(near ? (x - nucleus.x) / nucleus.rx : 0, leftRight);
      planes[2 * sidePx * sidePx + pixel] = gradient(near ? (y - nucleus.y) / nucleus.ry : 0, upDown);
      if (inside > 0) kinds[pixel] = random() < 0.12 ? Math.floor((classes + 1) * random()) : nucleus.kind;
    }
  }
  return { planes, kinds };
}

function write(name, planes, kinds) {
  const path = join(outFolder, name);
  const bytes = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  writeFileSync(path, kinds === null ? bytes(planes) : Buffer.concat([bytes(planes), bytes(kinds)]));
  return path;
}

/** Nuclei drawn by a formula, with classes. @returns `{ name, path, classes }` */
export function syntheticMaps() {
  mkdirSync(outFolder, { recursive: true });
  const { planes, kinds } = synthesize();
  return { name: 'synthetic maps', path: write('maps-synthetic.raw', planes, kinds), classes: 1 };
}

/** The tissue tile of the golden results, without classes; null when they are missing. */
export function fixtureMaps() {
  const folder = fixtureFolder();
  if (folder === null) return null;
  mkdirSync(outFolder, { recursive: true });
  const { np_prob: probability, hv } = readNpz(join(folder, 's1024.npz'), ['np_prob', 'hv']);
  const planes = new Float32Array(3 * sidePx * sidePx);
  planes.set(probability);
  planes.set(hv, sidePx * sidePx);
  return { name: 'tissue maps', path: write('maps-tissue.raw', planes, null), classes: 0 };
}
