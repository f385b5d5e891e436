// Networks, one thread: ours through the public API beside ONNX Runtime with the same weights on the same picture.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, makeRow, median, missingRow, timed } from '../harness.mjs';
import { FmaPeak, hasAmx } from '../machine.mjs';
import { exportHoverfast, makeHoverfast } from '../peers/hoverfast-onnx.mjs';
import { loadOnnxRuntime, openOnnx } from '../peers/onnxruntime.mjs';
import { readSafetensors, writeSafetensors } from '../peers/safetensors.mjs';
import { buildOwn, outFolder, runJsonLines } from '../programs.mjs';

const sidePx = 1024;
const rival = 'onnxruntime-node float32';
const bars = { float32: 1.1, high: 4, fast: 12 };
/** Without AMX a network may instead reach this share of the measured multiply-add peak. */
const shareBar = 0.85;
/** Two float32 libraries differ in rounding; more than this and they did not run the same network. */
const allowedGap = 1e-3;

/** A picture with structure at every scale; speed does not depend on it, but the comparison of the results should. */
function testPicture(width) {
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

/** The network's input for a picture: a margin mirrored around it, bytes / 255, plane by plane. */
function toInput({ data, width }, margin) {
  const mirrored = (i) => (i < 0 ? -i : i < width ? i : 2 * (width - 1) - i);
  const area = sidePx * sidePx;
  const planes = new Float32Array(3 * area);
  for (let y = 0, i = 0; y < sidePx; y++) {
    for (let x = 0; x < sidePx; x++, i++) {
      const source = 3 * (mirrored(y - margin) * width + mirrored(x - margin));
      for (let c = 0; c < 3; c++) planes[c * area + i] = data[source + c] / 255;
    }
  }
  return planes;
}

/** Largest difference of the HV maps of ours and the rival's, whose margin is cut off. */
async function gapOf(model, session, picture, planes, margin) {
  const { hv } = await model.predict(picture);
  const ours = await hv.data();
  const { maps } = await session.run(planes);
  const { width } = picture;
  let worst = 0;
  for (let channel = 0, i = 0; channel < 2; channel++) {
    for (let y = 0; y < width; y++) {
      const row = (channel * sidePx + y + margin) * sidePx + margin;
      for (let x = 0; x < width; x++, i++) worst = Math.max(worst, Math.abs(ours[i] - maps.data[row + x]));
    }
  }
  return worst;
}

function checkpoints(histojet) {
  mkdirSync(outFolder, { recursive: true });
  const computed = join(outFolder, 'hoverfast-computed.safetensors');
  if (!existsSync(computed)) writeSafetensors(computed, makeHoverfast());
  const packaged = histojet.defaultWeightsPath();
  return [
    { name: 'HoverFast, published configuration, computed weights', path: computed },
    ...(existsSync(packaged) ? [{ name: 'HoverFast, packaged weights', path: packaged }] : []),
  ];
}

/** Precisions that this build really offers on this machine; others fall back to float32. */
async function loadPrecisions(histojet, path) {
  const models = new Map();
  for (const precision of ['float32', 'high', 'fast']) {
    const model = await histojet.HoverFast.load(path, { precision, threads: 1 });
    if (model.info.precision === precision) models.set(precision, model);
    else await model.close();
  }
  return models;
}

/**
 * `predict` surrounds a picture with the mirrored margin that the network needs, so a picture that is smaller by two
 * margins asks for exactly one network tile of `sidePx`; the rival gets that very tile.
 */
async function measure(runtime, histojet, checkpoint, rounds) {
  const models = await loadPrecisions(histojet, checkpoint.path);
  const margin = models.get('float32').info.marginPx;
  const picture = testPicture(sidePx - 2 * margin);
  const planes = toInput(picture, margin);
  const exported = exportHoverfast(readSafetensors(checkpoint.path), sidePx, sidePx);
  const session = runtime && (await openOnnx(runtime, exported.model, [1, 3, sidePx, sidePx]));
  const peak = new FmaPeak();
  const peaks = [];
  const contenders = {};
  for (const [precision, model] of models) contenders[precision] = () => timed(() => model.predict(picture));
  if (session) contenders.rival = () => timed(() => session.run(planes));
  contenders.peak = async () => {
    peaks.push(await peak.measure());
    return { cpuMs: 0, wallMs: 0 };
  };
  const results = await interleave(contenders, rounds);
  const peakGflops = peaks.includes(null) ? null : median(peaks);
  const rows = [];
  for (const [precision, model] of models) {
    const compared = session && precision === 'float32';
    const gap = compared ? await gapOf(model, session, picture, planes, margin) : null;
    if (gap !== null && !(gap < allowedGap))
      throw new Error(`the rival computes another network: maps differ by ${gap}`);
    rows.push(rowOf({ checkpoint, precision, model, exported, results, peakGflops, gap }));
    await model.close();
  }
  peak.close();
  await session?.close();
  return rows;
}

function rowOf({ checkpoint, precision, model, exported, results, peakGflops, gap }) {
  const { cpuMs, wallMs } = results[precision];
  const float32 = precision === 'float32';
  const limitShare = float32 && peakGflops !== null ? exported.flops / (cpuMs * 1e6) / peakGflops : null;
  const agreement = gap === null ? '' : `, maps differ by ${gap.toExponential(1)}`;
  return makeRow({
    workload: `${checkpoint.name}, ${sidePx} x ${sidePx}, ${precision}`,
    rival,
    unit: 'CPU ms',
    ours: cpuMs,
    theirs: results.rival?.cpuMs ?? null,
    bar: float32 || hasAmx() ? bars[precision] : null,
    limitShare,
    alsoHolds: limitShare !== null && limitShare >= shareBar,
    note: `isa ${model.info.isa}, ${(exported.flops / 1e9).toFixed(0)} GFLOP${agreement}${results.rival ? '' : '; missing: onnxruntime-node'}`,
    wallOurs: wallMs,
    wallTheirs: results.rival?.wallMs ?? null,
    fmaPeakGflops: peakGflops,
  });
}

/** The rows about two threads, from our own program: the executor of this process has one. */
function scalingRows(rounds) {
  const lines = runJsonLines(buildOwn('engine_bench'), [String(sidePx), String(rounds)], {
    HISTOJET_THREADS: '2',
  });
  return [...groupByCase(lines)].map(([name, pair]) => {
    const wall = (threads) => pair.find((line) => line.threads === threads)?.wall_ms ?? null;
    return makeRow({
      workload: `${name}, two threads`,
      rival: 'one thread',
      unit: 'wall ms',
      ours: wall(2),
      theirs: wall(1),
      bar: 1.8,
      note: 'means something only on an idle machine with two cores',
    });
  });
}

function groupByCase(lines) {
  const groups = new Map();
  for (const line of lines) groups.set(line.case, [...(groups.get(line.case) ?? []), line]);
  return groups;
}

/** All rows of this group. */
export async function run({ histojet, rounds }) {
  const runtime = await loadOnnxRuntime();
  const rows = [];
  if (runtime === null) {
    rows.push(
      missingRow({ workload: 'HoverFast', rival, unit: 'CPU ms', bar: bars.float32, reason: 'npm ci in bench/' }),
    );
  }
  for (const checkpoint of checkpoints(histojet)) rows.push(...(await measure(runtime, histojet, checkpoint, rounds)));
  return [...rows, ...scalingRows(rounds)];
}
