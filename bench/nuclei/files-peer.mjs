// Files of nuclei in a process of its own, one request per line on stdin, one JSON line each as answer. Ours and the
// rival have the very same nuclei: the rival parses a file of ours.
//   make COUNT             ours: nuclei of 18 vertices in lists of a thousand, as from the windows of a slide
//   write FORMAT FILE      ours: the JavaScript API's writer
//   read FILE              ours: the JavaScript API's reader
//   load FILE              JSON: the objects of a plain GeoJSON file
//   json-write FILE        JSON: JSON.stringify and zlib.gzipSync
//   json-read FILE         JSON: zlib.gunzipSync and JSON.parse
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { gunzipSync, gzipSync } from 'node:zlib';
import { timed } from '../harness.mjs';

const listSize = 1000;
const pitchPx = 56;
const columns = 1000;
const vertices = 18;
const classes = ['Background', 'Neoplastic', 'Inflammatory', 'Connective', 'Dead', 'Epithelial'].map((name, i) => ({
  name,
  color: [40 * i, 90, 160],
}));

let lists = [];
let loaded = null;

/** A share from 0 to 1 that looks random. */
/** Outlines on slides at the network's resolution turn on pixel edges and their middles. */
const half = (value) => Math.round(2 * value) / 2;
const share = (index, salt) => (Math.imul(index + 1, 2654435761) ^ Math.imul(salt + 1, 40503 * 65537)) >>> 0;

function outline(index) {
  const radius = pitchPx * (0.22 + (0.11 * share(index, 0)) / 2 ** 32);
  const x = ((index % columns) + 0.5) * pitchPx + (8 * share(index, 1)) / 2 ** 32;
  const y = (Math.floor(index / columns) + 0.5) * pitchPx + (8 * share(index, 2)) / 2 ** 32;
  const ring = new Float32Array(2 * vertices);
  for (let i = 0; i < vertices; i++) {
    const angle = (2 * Math.PI * i) / vertices;
    const reach = radius * (1 - 0.15 * (i % 3));
    ring[2 * i] = half(x + reach * Math.cos(angle));
    ring[2 * i + 1] = half(y + reach * Math.sin(angle));
  }
  return ring;
}

async function ours() {
  return import('../../dist/index.js');
}

async function make(count) {
  const { NucleusList } = await ours();
  lists = [];
  for (let first = 0; first < count; first += listSize) {
    const indices = Array.from({ length: Math.min(listSize, count - first) }, (_, i) => first + i);
    const types = indices.map((index) => 1 + (index % (classes.length - 1)));
    lists.push(NucleusList.fromContours(indices.map(outline), { types }));
  }
  return {};
}

async function write(format, path) {
  const { createWriter } = await ours();
  let count = 0;
  const times = await timed(async () => {
    const writer = await createWriter(path, { format, classes });
    for (const list of lists) await writer.write(list);
    await writer.close();
    count = writer.count;
  });
  return { ...times, count, bytes: statSync(path).size };
}

async function read(path) {
  const { openNuclei } = await ours();
  let count = 0;
  let points = 0;
  const times = await timed(async () => {
    for await (const list of await openNuclei(path)) {
      count += list.length;
      // Outlines and classes come out of native memory when they are asked for.
      points += list.contour(0).length + (list.types?.length ?? 0);
    }
  });
  return { ...times, count, points };
}

async function jsonWrite(path) {
  const times = await timed(() => writeFileSync(path, gzipSync(JSON.stringify(loaded))));
  return { ...times, count: loaded.features.length, bytes: statSync(path).size };
}

async function jsonRead(path) {
  let count = 0;
  const times = await timed(() => {
    count = JSON.parse(gunzipSync(readFileSync(path)).toString()).features.length;
  });
  return { ...times, count };
}

function load(path) {
  loaded = JSON.parse(readFileSync(path, 'utf8'));
  return {};
}

const verbs = {
  make: (count) => make(Number(count)),
  write,
  read,
  load,
  'json-write': jsonWrite,
  'json-read': jsonRead,
};

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...words] = line.split(' ');
  let answer;
  try {
    answer = await verbs[verb](...words);
  } catch (error) {
    answer = { error: error.message };
  }
  // What one request leaves behind must not be collected during the next.
  globalThis.gc?.();
  console.log(JSON.stringify(answer));
}
