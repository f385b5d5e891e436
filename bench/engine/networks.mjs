// Networks, one thread: ours through the public API beside ONNX Runtime and PyTorch with the same weights on the same
// picture, and beside the sum of the convolutions alone in oneDNN.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { interleaveCalibrated, summary } from '../calibration.mjs';
import { makeRow, timed } from '../harness.mjs';
import { exportHoverfast, makeHoverfast } from '../peers/hoverfast-onnx.mjs';
import { exportHovernet, hovernetPatchPx, makeHovernet } from '../peers/hovernet-onnx.mjs';
import { openOnednn } from '../peers/onednn.mjs';
import { openOnnx } from '../peers/onnxruntime.mjs';
import { readSafetensors, writeSafetensors } from '../peers/safetensors.mjs';
import { openTorch } from '../peers/torch.mjs';
import { outFolder } from '../programs.mjs';
import { largestGap, testPicture, toPlanes } from './pictures.mjs';
import { barWithTiles, discardNote, joinNotes, precisions, productsOf, unitOf } from './rounds.mjs';

const onnxName = 'onnxruntime-node float32';
/** Instead of its ratio, float32 may reach this share of the measured multiply-add peak. */
const shareBar = 0.85;
/** What the sum of oneDNN's bfloat16 convolutions has to be beaten by, and PyTorch's bfloat16 where oneDNN is missing. */
const onednnBar = 1.5;
const torchBar = 3;
/** More than this between two float32 libraries, relative to the largest value, and they ran different networks. */
const allowedGap = 1e-3;

/** A checkpoint with computed weights, written once. */
function computed(name, make) {
  mkdirSync(outFolder, { recursive: true });
  const path = join(outFolder, `${name}-computed.safetensors`);
  if (!existsSync(path)) writeSafetensors(path, make());
  return path;
}

/** Where the weights of HoverNet in mode fast are, for the programs that measure threads. */
export const hovernetFastPath = () => computed('hovernet-fast-6', () => makeHovernet('fast', 6));

/** The networks: how they are loaded by us, exported for the rivals, and what is asked of them. */
export function networks(histojet) {
  const { HoverFast, HoverNet } = histojet;
  const hoverfast = { sidePx: 1024, load: HoverFast.load, exportGraph: exportHoverfast, hv: 'maps' };
  const hovernet = { load: HoverNet.load, exportGraph: exportHovernet, hv: 'hv' };
  const hoverfastBars = { float32: 1.1, high: 4, fast: 12 };
  const packaged = histojet.defaultWeightsPath();
  return [
    {
      ...hoverfast,
      name: 'HoverFast, published configuration',
      path: computed('hoverfast', makeHoverfast),
      bars: hoverfastBars,
      torch: true,
      onednn: true,
    },
    { ...hoverfast, name: 'HoverFast, packaged network', path: packaged, bars: hoverfastBars },
    {
      ...hovernet,
      name: 'HoverNet fast, 6 classes',
      sidePx: hovernetPatchPx('fast'),
      path: hovernetFastPath(),
      bars: { float32: 1, high: 3, fast: 8 },
      torch: true,
      onednn: true,
    },
    {
      ...hovernet,
      name: 'HoverNet original, 5 classes',
      sidePx: hovernetPatchPx('original'),
      path: computed('hovernet-original-5', () => makeHovernet('original', 5)),
      bars: {},
    },
  ].filter(({ path }) => existsSync(path));
}

/** Precisions that this build really offers on this machine; others fall back to float32. */
async function loadPrecisions({ load, path }) {
  const models = new Map();
  for (const precision of precisions) {
    const model = await load(path, { precision, threads: 1 });
    if (model.info.precision === precision) models.set(precision, model);
    else await model.close();
  }
  return models;
}

async function predictHv(model, picture) {
  const maps = await model.predict(picture);
  return maps.hv.data();
}

/** The largest differences from the rival's map, per precision; throws when float32 shows that the networks differ. */
async function gapsOf(models, picture, theirs, sidePx, rival) {
  const gaps = {};
  for (const [precision, model] of models) {
    gaps[precision] = largestGap(await predictHv(model, picture), theirs, picture.width, sidePx);
  }
  if (!(gaps.float32 < allowedGap)) {
    throw new Error(`${rival} computes another network: maps differ by ${gaps.float32} of the largest value`);
  }
  return gaps;
}

/**
 * `predict` surrounds a picture with the mirrored margin that the network needs, so a picture that is smaller by two
 * margins asks for exactly one network tile; the rivals get that very tile.
 *
 * @returns a function that makes the rows; call it when the whole run is measured
 */
export async function measureNetwork(network, { runtime, torch, onednn, rounds, calibration, program }) {
  const models = await loadPrecisions(network);
  const { sidePx } = network;
  const { marginPx, outputMarginPx } = models.get('float32').info;
  const picture = testPicture(sidePx - 2 * (outputMarginPx || marginPx));
  const planes = toPlanes(picture, sidePx);
  const graph = network.exportGraph(readSafetensors(network.path), sidePx, sidePx);
  const session = runtime && (await openOnnx(runtime, graph.model, [1, 3, sidePx, sidePx]));
  const peer = network.torch && torch !== null ? openTorch(graph.plain, planes, sidePx, sidePx) : null;
  const dnn = network.onednn && !onednn.missing ? await openOnednn(onednn, graph) : null;

  const gaps = {};
  if (session) {
    const outputs = await session.run(planes);
    gaps.onnx = await gapsOf(models, picture, outputs[network.hv].data, graph.width, onnxName);
  }
  if (peer) {
    await peer.run('float32');
    gaps.torch = await gapsOf(models, picture, await peer.output(network.hv), graph.width, 'torch');
  }
  const contenders = {};
  for (const [precision, model] of models) {
    contenders[precision] = { unit: unitOf(precision), work: () => timed(() => model.predict(picture)) };
  }
  if (session) contenders.onnx = { unit: 'fma', work: () => timed(() => session.run(planes)) };
  if (peer) {
    contenders.torchFloat32 = { unit: 'fma', work: () => peer.run('float32') };
    contenders.torchBfloat16 = { unit: unitOf('fast'), work: () => peer.run('bfloat16') };
  }
  if (dnn) {
    contenders.onednnFloat32 = { unit: 'fma', work: () => dnn.run('float32') };
    contenders.onednnBfloat16 = { unit: unitOf('fast'), work: () => dnn.run('bfloat16') };
  }
  const samples = await interleaveCalibrated(contenders, rounds, calibration);
  const chains = {};
  for (const precision of models.keys()) {
    if (unitOf(precision) !== 'tiles' || summary(samples[precision], calibration).good >= rounds) continue;
    chains[precision] = await program.ask(`chains ${network.path} ${sidePx} ${precision} ${rounds}`);
  }
  if (dnn && unitOf('fast') === 'tiles' && summary(samples.onednnBfloat16, calibration).good < rounds) {
    chains.onednnBfloat16 = await dnn.parts('bfloat16', rounds);
  }
  const infos = [...models].map(([precision, { info }]) => ({ precision, isa: info.isa }));
  for (const model of models.values()) await model.close();
  await session?.close();
  peer?.close();
  dnn?.close();

  return () => {
    const results = Object.fromEntries(
      Object.entries(samples).map(([name, list]) => [
        name,
        withChains(summary(list, calibration), chains[name], rounds),
      ]),
    );
    return infos.flatMap((info) => rowsOf({ network, info, results, gaps, flops: graph.flops, torch, onednn }));
  };
}

/**
 * What whole runs gave, or where too few of them were good the sum over the network's chains (the rival's convolutions):
 * those are short enough for the moments in which a tile unit that others share is at full speed.
 */
function withChains(whole, chains, rounds) {
  if (whole.good >= rounds || !chains?.cpuMs) return whole;
  const { cpuMs, peak } = chains;
  return { ...whole, cpuMs, wallMs: null, peakGflops: peak, shareOf: (flops) => flops / (cpuMs * 1e6) / peak, chains };
}

/** What a reader must know about a figure: that it is a sum over parts, or how many rounds were discarded. */
function remarkOn(figure) {
  const { chains, good } = figure;
  if (chains === undefined) return discardNote(figure);
  const whole = good === 0 ? 'no whole run' : `only ${good} whole run${good === 1 ? '' : 's'}`;
  return (
    `sum of ${chains.chains} ${chains.what ?? 'chains'}, each the median of ${chains.rounds} computations with the tile ` +
    `unit at full speed, which ${whole} had`
  );
}

/** The rows of one precision: beside ONNX Runtime, and beside oneDNN and PyTorch in the precision that is nearest. */
function rowsOf({ network, info, results, gaps, flops, torch, onednn }) {
  const { precision } = info;
  const fast = precision === 'fast';
  const nearest = fast ? 'bfloat16' : 'float32';
  const rows = [
    networkRow({
      ...{ network, info, results, flops },
      rival: onnxName,
      rivalKey: 'onnx',
      bar: barWithTiles(precision, network.bars[precision] ?? null),
      gap: gaps.onnx?.[precision],
      missing: 'onnxruntime-node (npm ci in bench/)',
    }),
  ];
  if (network.onednn && precision !== 'high') {
    rows.push(
      networkRow({
        ...{ network, info, results, flops },
        rival: `oneDNN${onednn.missing ? '' : ` ${onednn.version}`} ${nearest}, sum of its convolutions`,
        rivalKey: fast ? 'onednnBfloat16' : 'onednnFloat32',
        bar: fast ? barWithTiles(precision, onednnBar) : null,
        missing: onednn.missing,
      }),
    );
  }
  if (network.torch && precision !== 'high') {
    rows.push(
      networkRow({
        ...{ network, info, results, flops },
        rival: `torch${torch === null ? '' : ` ${torch}`} ${nearest}`,
        rivalKey: fast ? 'torchBfloat16' : 'torchFloat32',
        bar: fast && onednn.missing ? barWithTiles(precision, torchBar) : null,
        gap: gaps.torch?.[precision],
        missing: "python3-torch for Debian's Python",
      }),
    );
  }
  return rows;
}

function networkRow({ network, info, results, flops, rival, rivalKey, bar, gap, missing }) {
  const { precision, isa } = info;
  const ours = results[precision];
  const theirs = results[rivalKey];
  const limitShare = ours.shareOf(productsOf(precision) * flops);
  const float32 = precision === 'float32';
  return makeRow({
    workload: `${network.name}, ${network.sidePx} x ${network.sidePx}, ${precision}`,
    rival,
    unit: 'CPU ms',
    ours: ours.cpuMs,
    theirs: theirs?.cpuMs ?? null,
    bar,
    limitShare,
    alsoHolds: float32 && limitShare !== null && limitShare >= shareBar,
    note: joinNotes(
      theirs === undefined ? `missing: ${missing}` : '',
      remarkOn(ours),
      theirs === undefined || theirs.discarded === 0 ? '' : `rival: ${remarkOn(theirs)}`,
      gap === undefined ? '' : `maps differ by ${gap.toExponential(1)} of their largest value`,
    ),
    kind: 'network',
    network: network.name,
    sidePx: network.sidePx,
    precision,
    isa,
    gflop: flops / 1e9,
    wallOurs: ours.wallMs,
    wallTheirs: theirs?.wallMs ?? null,
    peakGflops: ours.peakGflops,
    discarded: ours.discarded,
  });
}
