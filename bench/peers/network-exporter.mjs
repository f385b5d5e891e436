// What the networks have in common when they are written as ONNX graphs, node by node as the published PyTorch modules
// run them: batch norms stay nodes of their own, because folding them is the rival's optimiser's business. Values are
// `{ name, channels, height, width }`. Counts multiply-adds.
import { OnnxGraph } from './onnx-writer.mjs';

export class NetworkExporter {
  #multiplyAdds = 0;
  #convolutions = [];
  graph = new OnnxGraph();

  /** @param tensors - Map name → { shape, data } */
  constructor(tensors) {
    this.tensors = tensors;
  }

  /** The input `image` [1, channels, height, width], bytes / 255. */
  image(channels, height, width) {
    return { name: this.graph.input('image', [1, channels, height, width]), channels, height, width };
  }

  weight(name) {
    const found = this.tensors.get(name);
    if (found === undefined) throw new Error(`the checkpoint has no tensor ${name}`);
    return { name: this.graph.constant(name, found.shape, found.data), shape: found.shape };
  }

  /** `pads`: rows and columns of zeros before and after. */
  conv(x, prefix, { pads = [0, 0], stride = 1, groups = 1, bias = false } = {}) {
    const { name, shape } = this.weight(`${prefix}.weight`);
    const [channels, inChannels, kernel] = shape;
    const [before, after] = pads;
    const sideOf = (side) => Math.floor((side + before + after - kernel) / stride) + 1;
    const [height, width] = [sideOf(x.height), sideOf(x.width)];
    this.#multiplyAdds += height * width * channels * inChannels * kernel * kernel;
    const inputs = [x.name, name, ...(bias ? [this.weight(`${prefix}.bias`).name] : [])];
    const attributes = {
      kernel_shape: [kernel, kernel],
      pads: [before, before, after, after],
      strides: [stride, stride],
      group: groups,
    };
    const output = this.graph.node('Conv', inputs, attributes);
    this.#convolutions.push({
      ...{ output, transposed: false, inChannels: x.channels, outChannels: channels, kernel, stride, groups, bias },
      ...{ pads, height: x.height, width: x.width },
    });
    return { name: output, channels, height, width };
  }

  convTranspose2x2(x, prefix) {
    const { name, shape } = this.weight(`${prefix}.weight`);
    this.#multiplyAdds += x.height * x.width * shape[0] * shape[1] * 4;
    const inputs = [x.name, name, this.weight(`${prefix}.bias`).name];
    const output = this.graph.node('ConvTranspose', inputs, { kernel_shape: [2, 2], strides: [2, 2] });
    this.#convolutions.push({
      ...{ output, transposed: true, inChannels: shape[0], outChannels: shape[1], kernel: 2, stride: 2, groups: 1 },
      ...{ bias: true, pads: [0, 0], height: x.height, width: x.width },
    });
    return { name: output, channels: shape[1], height: 2 * x.height, width: 2 * x.width };
  }

  batchNorm(x, prefix) {
    const parts = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (part) => this.weight(`${prefix}.${part}`).name,
    );
    return { ...x, name: this.graph.node('BatchNormalization', [x.name, ...parts]) };
  }

  relu(x) {
    return { ...x, name: this.graph.node('Relu', [x.name]) };
  }

  add(a, b) {
    return { ...a, name: this.graph.node('Add', [a.name, b.name]) };
  }

  concat(a, b) {
    const name = this.graph.node('Concat', [a.name, b.name], { axis: 1 });
    return { ...a, name, channels: a.channels + b.channels };
  }

  pool(x) {
    const name = this.graph.node('MaxPool', [x.name], { kernel_shape: [2, 2], strides: [2, 2] });
    return { ...x, name, height: Math.floor(x.height / 2), width: Math.floor(x.width / 2) };
  }

  resizeBilinear2x(x) {
    return this.#resize(x, { mode: 'linear', coordinate_transformation_mode: 'half_pixel' });
  }

  resizeNearest2x(x) {
    const rounding = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    return this.#resize(x, { mode: 'nearest', ...rounding });
  }

  #resize(x, attributes) {
    const scales = this.graph.constant('twice', [4], new Float32Array([1, 1, 2, 2]));
    const name = this.graph.node('Resize', [x.name, '', scales], attributes);
    return { ...x, name, height: 2 * x.height, width: 2 * x.width };
  }

  /** The centre of a value, as large as another; an odd difference leaves one more row or column at the end. */
  crop(x, { height, width }) {
    if (x.height === height && x.width === width) return x;
    const top = Math.floor((x.height - height) / 2);
    const left = Math.floor((x.width - width) / 2);
    const list = (values) => this.graph.constant(`list_${values}`, [2], BigInt64Array.from(values, BigInt));
    const inputs = [x.name, list([top, left]), list([top + height, left + width]), list([2, 3])];
    return { ...x, name: this.graph.node('Slice', inputs), height, width };
  }

  /** Makes a value the output `name`. */
  output(name, x) {
    this.graph.node('Identity', [x.name], {}, name);
    this.graph.output(name, [1, x.channels, x.height, x.width]);
    return x;
  }

  /**
   * `{ model: Buffer, plain, convolutions, flops }`: the ONNX file, the same as plain objects, the shapes of its
   * convolutions (`height`, `width` of the source), twice the multiply-adds.
   */
  exported() {
    const convolutions = this.#convolutions;
    return { model: this.graph.bytes(), plain: this.graph.plain(), convolutions, flops: 2 * this.#multiplyAdds };
  }
}
