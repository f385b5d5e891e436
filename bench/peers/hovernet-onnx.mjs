// HoVer-Net as an ONNX graph, node by node as the published PyTorch module runs it (vqdang/hover_net,
// models/hovernet/net_desc.py), for one size of patch; and its weights, computed from names and indices, so that
// nothing has to be downloaded.
import { NetworkExporter } from './network-exporter.mjs';

const modes = {
  fast: { kernel: 3, stemPad: 3, patchPx: 256 },
  original: { kernel: 5, stemPad: 0, patchPx: 270 },
};
const encoder = [
  { name: 'd0', inner: 64, out: 256, units: 3, stride: 1 },
  { name: 'd1', inner: 128, out: 512, units: 4, stride: 2 },
  { name: 'd2', inner: 256, out: 1024, units: 6, stride: 2 },
  { name: 'd3', inner: 512, out: 2048, units: 3, stride: 2 },
];
const levels = [
  { name: 'u3', into: 1024, conva: 256, units: 8, convf: 512 },
  { name: 'u2', into: 512, conva: 128, units: 4, convf: 256 },
];
const growth = 32;
const bottleneck = 128;
const groups = 4;

/** Side of the published patch of a mode, pixels. */
export const hovernetPatchPx = (mode) => modes[mode].patchPx;

/** Padding of TensorFlow's "same": the odd row goes to the end. */
function samePads(kernel, stride) {
  const padding = Math.max(kernel - stride, 0);
  return [Math.floor(padding / 2), padding - Math.floor(padding / 2)];
}

class HovernetExporter extends NetworkExporter {
  normRelu(x, prefix) {
    return this.relu(this.batchNorm(x, prefix));
  }

  residualUnit(x, prefix, stride) {
    let y = this.normRelu(this.conv(x, `${prefix}.conv1`), `${prefix}.conv1/bn`);
    y = this.conv(y, `${prefix}.conv2`, { pads: samePads(3, stride), stride });
    return this.conv(this.normRelu(y, `${prefix}.conv2/bn`), `${prefix}.conv3`);
  }

  residualBlock(x, { name, units, stride }) {
    const shortcut = this.conv(x, `${name}.shortcut`, { stride });
    let sum = this.add(this.residualUnit(x, `${name}.units.0`, stride), shortcut);
    for (let u = 1; u < units; u++) {
      const active = this.normRelu(sum, `${name}.units.${u}.preact/bn`);
      sum = this.add(this.residualUnit(active, `${name}.units.${u}`, 1), sum);
    }
    return this.normRelu(sum, `${name}.blk_bna.bn`);
  }

  denseBlock(x, prefix, units) {
    let features = x;
    for (let u = 0; u < units; u++) {
      const unit = `${prefix}.units.${u}`;
      let y = this.conv(this.normRelu(features, `${unit}.preact_bna/bn`), `${unit}.conv1`);
      y = this.conv(this.normRelu(y, `${unit}.conv1/bn`), `${unit}.conv2`, { groups });
      features = this.concat(this.crop(features, y), y);
    }
    return this.normRelu(features, `${prefix}.blk_bna.bn`);
  }

  withSkip(x, skip) {
    const up = this.resizeNearest2x(x);
    return this.add(up, this.crop(skip, up));
  }

  decoder(name, skips, kernel) {
    const prefix = `decoder.${name}`;
    let x = skips[3];
    levels.forEach((level, i) => {
      x = this.conv(this.withSkip(x, skips[2 - i]), `${prefix}.${level.name}.conva`);
      x = this.denseBlock(x, `${prefix}.${level.name}.dense`, level.units);
      x = this.conv(x, `${prefix}.${level.name}.convf`);
    });
    x = this.conv(this.withSkip(x, skips[0]), `${prefix}.u1.conva`, { pads: samePads(kernel, 1) });
    return this.output(name, this.conv(this.normRelu(x, `${prefix}.u0.bn`), `${prefix}.u0.conv`, { bias: true }));
  }
}

/**
 * The network for patches of `height` x `width`: input `image` [1, 3, height, width] (bytes / 255), outputs `np`, `hv`
 * and, with classes, `tp`, before softmax.
 *
 * @returns what `NetworkExporter.exported` gives, and `height`, `width` of the outputs
 */
export function exportHovernet({ tensors, metadata }, height, width) {
  const { kernel, stemPad } = modes[metadata.mode];
  const exporter = new HovernetExporter(tensors);
  let x = exporter.conv(exporter.image(3, height, width), 'conv0./', { pads: [stemPad, stemPad] });
  x = exporter.normRelu(x, 'conv0.bn');
  const skips = encoder.map((block) => {
    x = exporter.residualBlock(x, block);
    return x;
  });
  skips[3] = exporter.conv(x, 'conv_bot');
  const names = tensors.has('decoder.tp.u0.conv.weight') ? ['tp', 'np', 'hv'] : ['np', 'hv'];
  const outputs = names.map((name) => exporter.decoder(name, skips, kernel));
  return { ...exporter.exported(), height: outputs[0].height, width: outputs[0].width };
}

/** Names and shapes of the state dict. */
function* layout(kernel, classes) {
  function* norm(prefix, channels) {
    for (const part of ['weight', 'bias', 'running_mean', 'running_var']) yield [`${prefix}.${part}`, [channels]];
  }
  function* dense(prefix, into, units) {
    for (let u = 0; u < units; u++) {
      const channels = into + growth * u;
      yield* norm(`${prefix}.units.${u}.preact_bna/bn`, channels);
      yield [`${prefix}.units.${u}.conv1.weight`, [bottleneck, channels, 1, 1]];
      yield* norm(`${prefix}.units.${u}.conv1/bn`, bottleneck);
      yield [`${prefix}.units.${u}.conv2.weight`, [growth, bottleneck / groups, kernel, kernel]];
    }
    yield* norm(`${prefix}.blk_bna.bn`, into + growth * units);
  }
  function* residual({ name, inner, out, units }, into) {
    for (let u = 0; u < units; u++) {
      const unit = `${name}.units.${u}`;
      if (u > 0) yield* norm(`${unit}.preact/bn`, out);
      yield [`${unit}.conv1.weight`, [inner, u > 0 ? out : into, 1, 1]];
      yield* norm(`${unit}.conv1/bn`, inner);
      yield [`${unit}.conv2.weight`, [inner, inner, 3, 3]];
      yield* norm(`${unit}.conv2/bn`, inner);
      yield [`${unit}.conv3.weight`, [out, inner, 1, 1]];
    }
    yield [`${name}.shortcut.weight`, [out, into, 1, 1]];
    yield* norm(`${name}.blk_bna.bn`, out);
  }
  function* decoder(name, channels) {
    const prefix = `decoder.${name}`;
    for (const level of levels) {
      yield [`${prefix}.${level.name}.conva.weight`, [level.conva, level.into, kernel, kernel]];
      yield* dense(`${prefix}.${level.name}.dense`, level.conva, level.units);
      const joined = level.conva + growth * level.units;
      yield [`${prefix}.${level.name}.convf.weight`, [level.convf, joined, 1, 1]];
    }
    yield [`${prefix}.u1.conva.weight`, [64, 256, kernel, kernel]];
    yield* norm(`${prefix}.u0.bn`, 64);
    yield [`${prefix}.u0.conv.weight`, [channels, 64, 1, 1]];
    yield [`${prefix}.u0.conv.bias`, [channels]];
  }
  yield ['conv0./.weight', [64, 3, 7, 7]];
  yield* norm('conv0.bn', 64);
  for (const [i, block] of encoder.entries()) yield* residual(block, i === 0 ? 64 : encoder[i - 1].out);
  yield ['conv_bot.weight', [1024, 2048, 1, 1]];
  if (classes > 0) yield* decoder('tp', classes);
  yield* decoder('np', 2);
  yield* decoder('hv', 2);
}

/** A number in [-1, 1) from a tensor's seed and an index: a hash. */
function unit(seed, i) {
  let h = (Math.imul(i, 0x9e3779b1) + seed) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h ^= h >>> 16;
  return (h >>> 8) / 2 ** 23 - 1;
}

function computedTensor(name, shape) {
  const seed = Buffer.from(name).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5);
  const count = shape.reduce((product, side) => product * side, 1);
  const [scale, offset] =
    shape.length === 4
      ? [1.1 * Math.sqrt(3 / (count / shape[0])), 0]
      : name.endsWith('running_var')
        ? [0.5, 1]
        : [0.25, name.endsWith('.weight') ? 1 : 0];
  return { shape, data: Float32Array.from({ length: count }, (_, i) => offset + scale * unit(seed, i)) };
}

/** A mode with `classes` classes (0: without) and weights of sensible size: speed does not depend on what was learned. */
export function makeHovernet(mode, classes) {
  const tensors = new Map();
  for (const [name, shape] of layout(modes[mode].kernel, classes)) tensors.set(name, computedTensor(name, shape));
  return { metadata: { mode, nr_types: String(classes) }, tensors };
}
