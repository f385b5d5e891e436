// Single layers, one thread: ours by bench/native/engine_bench.cpp, the first ones beside ONNX Runtime. A layer's time is
// that of a small graph with it minus that of the graph without it, for us and for the rival.
import { interleaveCalibrated, summary } from '../calibration.mjs';
import { makeRow, timed } from '../harness.mjs';
import { NetworkExporter } from '../peers/network-exporter.mjs';
import { openOnnx } from '../peers/onnxruntime.mjs';
import { testPicture, toPlanes } from './pictures.mjs';
import { discardNote, joinNotes, precisions, productsOf, unitOf } from './rounds.mjs';

const rivalName = 'onnxruntime-node float32';
/** So many layers of the list are measured with the rival too. */
const comparedLayers = 3;

/** The layer between two convolutions of window 1, or those two alone. */
function exportLayer({ channels, side, kernel }, withLayer) {
  const tensors = new Map();
  const set = (name, out, into, window) => {
    const data = Float32Array.from({ length: out * into * window ** 2 }, (_, i) => Math.sin(i) / Math.sqrt(into));
    tensors.set(`${name}.weight`, { shape: [out, into, window, window], data });
    tensors.set(`${name}.bias`, { shape: [out], data: new Float32Array(out).fill(0.1) });
  };
  set('stem', channels, 3, 1);
  set('layer', channels, channels, kernel);
  set('head', 1, channels, 1);
  const exporter = new NetworkExporter(tensors);
  let x = exporter.relu(exporter.conv(exporter.image(3, side, side), 'stem', { bias: true }));
  const pad = (kernel - 1) / 2;
  if (withLayer) x = exporter.relu(exporter.conv(x, 'layer', { pads: [pad, pad], bias: true }));
  exporter.output('result', exporter.conv(x, 'head', { bias: true }));
  return exporter.exported().model;
}

/** `{ unit, work, close }` for the rival. */
async function openRival(runtime, layer) {
  const shape = [1, 3, layer.side, layer.side];
  const planes = toPlanes(testPicture(layer.side), layer.side);
  const [without, withIt] = [
    await openOnnx(runtime, exportLayer(layer, false), shape),
    await openOnnx(runtime, exportLayer(layer, true), shape),
  ];
  const work = async () => {
    const rest = await timed(() => without.run(planes));
    const whole = await timed(() => withIt.run(planes));
    return { cpuMs: whole.cpuMs - rest.cpuMs, wallMs: whole.wallMs - rest.wallMs };
  };
  const close = async () => {
    await without.close();
    await withIt.close();
  };
  return { unit: 'fma', work, close };
}

/** @returns a function that makes the rows; call it when the whole run is measured */
export async function measureLayers(program, { runtime, rounds, calibration }) {
  const layers = await program.ask('layers');
  const measured = [];
  for (const [index, layer] of layers.entries()) {
    const contenders = {};
    for (const precision of precisions) {
      const request = `layer ${index} ${precision}`;
      if ((await program.ask(request)).missing) continue;
      // Layers without products run on the vector units in all precisions.
      const unit = layer.gflop > 0 ? unitOf(precision) : 'fma';
      contenders[precision] = { unit, work: () => program.ask(request) };
    }
    const rival = runtime && index < comparedLayers ? await openRival(runtime, layer) : null;
    if (rival) contenders.rival = rival;
    measured.push({ layer, samples: await interleaveCalibrated(contenders, rounds, calibration) });
    await rival?.close();
  }
  return () =>
    measured.flatMap(({ layer, samples: { rival, ...ours } }) =>
      Object.entries(ours).map(([precision, samples]) =>
        layerRow(layer, precision, summary(samples, calibration), rival && summary(rival, calibration)),
      ),
    );
}

function layerRow(layer, precision, ours, theirs) {
  const flops = 1e9 * layer.gflop;
  return makeRow({
    workload: `layer ${layer.name}, ${layer.side} x ${layer.side}, ${precision}`,
    rival: theirs ? rivalName : '–',
    unit: 'CPU ms',
    ours: ours.cpuMs,
    theirs: theirs?.cpuMs ?? null,
    limitShare: layer.gflop > 0 ? ours.shareOf(productsOf(precision) * flops) : null,
    note: joinNotes(discardNote(ours)),
    kind: 'layer',
    layer: layer.name,
    sidePx: layer.side,
    precision,
    gflop: layer.gflop,
    gflops: layer.gflop > 0 && ours.cpuMs !== null ? flops / (ours.cpuMs * 1e6) : null,
    peakGflops: ours.peakGflops,
    discarded: ours.discarded,
  });
}
