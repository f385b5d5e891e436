// HoverFast as an ONNX graph, node by node as the published PyTorch module runs it (choosehappy/HoverFast,
// hoverfast/hoverfast.py), for one size of picture; and weights where no checkpoint is at hand.
import { NetworkExporter } from './network-exporter.mjs';

/** Hyper-parameters of a checkpoint from its metadata; absent ones are the published configuration. */
export function hoverfastConfig(metadata) {
  const number = (key, value) => Number(metadata[key] ?? value);
  const flag = (key) => (metadata[key] ?? 'true').toLowerCase() === 'true';
  return {
    inChannels: number('in_channels', 3),
    classes: number('n_classes', 2),
    depth: number('depth', 3),
    wf: number('wf', 4),
    padding: flag('padding'),
    batchNorm: flag('batch_norm'),
    upMode: metadata.up_mode ?? 'upconv',
    block: metadata.conv_block ?? 'msunet',
  };
}

class HoverfastExporter extends NetworkExporter {
  constructor(tensors, config) {
    super(tensors);
    this.config = config;
  }

  plainBlock(x, prefix, kernel) {
    const { padding, batchNorm } = this.config;
    const pad = padding ? Math.floor(kernel / 2) : 0;
    let y = x;
    for (let layer = 0, index = 0; layer < 2; layer++) {
      y = this.conv(y, `${prefix}.block.${index++}`, { pads: [pad, pad], bias: true });
      if (batchNorm) y = this.batchNorm(y, `${prefix}.block.${index++}`);
      y = this.relu(y);
      index++;
    }
    return y;
  }

  block(x, prefix) {
    if (this.config.block === 'unet') return this.plainBlock(x, prefix, 3);
    const branches = this.concat(this.plainBlock(x, `${prefix}.conv_3`, 3), this.plainBlock(x, `${prefix}.conv_7`, 7));
    return this.conv(branches, `${prefix}.conv`, { bias: true });
  }

  up(x, prefix) {
    if (this.config.upMode !== 'upconv') return this.conv(this.resizeBilinear2x(x), `${prefix}.1`, { bias: true });
    return this.convTranspose2x2(x, prefix);
  }

  decoder(bottom, skips, prefix, head, output) {
    let x = bottom;
    for (let step = 0; step < skips.length; step++) {
      const up = this.up(x, `${prefix}.${step}.up`);
      const skip = this.crop(skips[skips.length - 1 - step], up);
      x = this.block(this.concat(up, skip), `${prefix}.${step}.conv_block`);
    }
    return this.output(output, this.conv(x, head, { bias: true }));
  }
}

/**
 * The network for pictures of `height` x `width`: input `image` [1, 3, height, width] (bytes / 255), outputs `logits`
 * and `maps` [1, 2, …].
 *
 * @returns what `NetworkExporter.exported` gives, and `height`, `width` of the outputs
 */
export function exportHoverfast({ tensors, metadata }, height, width) {
  const config = hoverfastConfig(metadata);
  const exporter = new HoverfastExporter(tensors, config);
  let x = exporter.image(config.inChannels, height, width);
  const skips = [];
  for (let level = 0; level < config.depth; level++) {
    x = exporter.block(x, `down_path.${level}`);
    if (level === config.depth - 1) break;
    skips.push(x);
    x = exporter.pool(x);
  }
  const result = exporter.decoder(x, skips, 'up_path', 'last', 'logits');
  exporter.decoder(x, skips, 'up_path_m', 'last_m', 'maps');
  return { ...exporter.exported(), height: result.height, width: result.width };
}

/** Names and shapes of the state dict of a configuration with batch norm and transposed convolutions. */
function* layout({ inChannels, classes, depth, wf }) {
  function* conv(prefix, out, into, kernel) {
    yield [`${prefix}.weight`, [out, into, kernel, kernel]];
    yield [`${prefix}.bias`, [out]];
  }
  function* branch(prefix, out, into, kernel) {
    for (const [index, channels] of [
      [0, into],
      [3, out],
    ]) {
      yield* conv(`${prefix}.block.${index}`, out, channels, kernel);
      for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
        yield [`${prefix}.block.${index + 1}.${part}`, [out]];
    }
  }
  function* block(prefix, out, into) {
    yield* branch(`${prefix}.conv_3`, out, into, 3);
    yield* branch(`${prefix}.conv_7`, out, into, 7);
    yield* conv(`${prefix}.conv`, out, 2 * out, 1);
  }
  for (let i = 0; i < depth; i++)
    yield* block(`down_path.${i}`, 2 ** (wf + i), i === 0 ? inChannels : 2 ** (wf + i - 1));
  for (const path of ['up_path', 'up_path_m']) {
    for (let step = 0; step < depth - 1; step++) {
      const into = 2 ** (wf + depth - 1 - step);
      yield [`${path}.${step}.up.weight`, [into, into / 2, 2, 2]];
      yield [`${path}.${step}.up.bias`, [into / 2]];
      yield* block(`${path}.${step}.conv_block`, into / 2, into);
    }
  }
  yield* conv('last', classes, 2 ** wf, 1);
  yield* conv('last_m', 2, 2 ** wf, 1);
}

/** The published configuration with seeded weights of sensible size: speed does not depend on what a network learned. */
export function makeHoverfast(seed = 1) {
  const metadata = { n_classes: '2', in_channels: '3', depth: '3', wf: '4', padding: 'true', batch_norm: 'true' };
  Object.assign(metadata, { up_mode: 'upconv', conv_block: 'msunet' });
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const tensors = new Map();
  for (const [name, shape] of layout(hoverfastConfig(metadata))) {
    const count = shape.reduce((product, side) => product * side, 1);
    const fanIn = name.includes('.up.') ? shape[0] : count / shape[0];
    const value = {
      4: () => uniform() * Math.sqrt(3 / fanIn),
      1: () => (/running_var$|\.weight$/.test(name) ? 1 + 0.25 * uniform() : 0.25 * uniform()),
    }[shape.length];
    tensors.set(name, { shape, data: Float32Array.from({ length: count }, value) });
  }
  return { metadata, tensors };
}
