// Nuclei of whole slides through the JavaScript API in a process of its own, one request per line on stdin, one JSON
// line each as answer. HISTOJET_THREADS says how many cores it may use.
//   { slide, precision?, tissue?, region?, maxMemoryBytes?, output? }
// It measures everything from opening the slide to the closed file; `tissue` is a mask whose data are plain numbers.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createWriter, HoverFast, Slide } from '../../dist/index.js';
import { timed } from '../harness.mjs';

const models = new Map();

async function modelOf(precision) {
  if (!models.has(precision)) models.set(precision, await HoverFast.load(undefined, precision && { precision }));
  return models.get(precision);
}

/** Peak of this program's resident memory; `maxRSS` of getrusage would count what its parent held when it began. */
function peakMb() {
  const line = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  if (line === null) throw new Error('/proc/self/status has no VmHWM');
  return (Number(line[1]) * 1024) / 1e6;
}

async function run({ slide: path, tissue, region, maxMemoryBytes, output }, model) {
  const slide = await Slide.open(path);
  try {
    const writer = output && (await createWriter(output, { slide, model, format: 'geojson.gz' }));
    const mask = tissue && { ...tissue, data: Uint8Array.from(tissue.data) };
    const wanted = Object.entries({ region, maxMemoryBytes, tissue: mask }).filter(([, value]) => value !== undefined);
    const segmentation = model.segmentSlide(slide, Object.fromEntries(wanted));
    for await (const batch of segmentation) await writer?.write(batch);
    await writer?.close();
    return segmentation.progress;
  } finally {
    await slide.close();
  }
}

async function segment(request) {
  const model = await modelOf(request.precision);
  let progress;
  const times = await timed(async () => {
    progress = await run(request, model);
  });
  const { windowsTotal: windows, nuclei } = progress;
  return { ...times, windows, nuclei, precision: model.info.precision, peakMb: peakMb() };
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await segment(JSON.parse(line));
  } catch (error) {
    answer = { code: error.code, error: error.message };
  }
  // A finished run keeps its memory until its handle is collected; with --expose-gc that is now.
  globalThis.gc?.();
  console.log(JSON.stringify(answer));
}
