// Shows that the ONNX graph which the rival runs is the network in question: compares its outputs with the recorded
// outputs of the PyTorch reference. usage: node bench/peers/check-onnx.mjs FOLDER, which holds hoverfast_small_x.npz and
// .safetensors, hovernet_formula.npz, networks.json and the pictures that it names
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { exportHoverfast } from './hoverfast-onnx.mjs';
import { exportHovernet, makeHovernet } from './hovernet-onnx.mjs';
import { loadOnnxRuntime, openOnnx } from './onnxruntime.mjs';
import { readSafetensors } from './safetensors.mjs';

const centralSignature = 0x02014b50;
const endBytes = 22;

/** The arrays of an .npz whose types are float32 and uint8. */
function readNpz(path) {
  const file = readFileSync(path);
  const arrays = new Map();
  let at = file.readUInt32LE(file.length - endBytes + 16);
  while (at < file.length && file.readUInt32LE(at) === centralSignature) {
    const [nameLength, extraLength] = [file.readUInt16LE(at + 28), file.readUInt16LE(at + 30)];
    const name = file.toString('utf8', at + 46, at + 46 + nameLength).replace(/\.npy$/, '');
    const local = file.readUInt32LE(at + 42);
    const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    const packed = file.subarray(start, start + file.readUInt32LE(at + 20));
    const npy = file.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : packed;
    const header = npy.toString('latin1', 10, 10 + npy.readUInt16LE(8));
    const shape = (/\(([^)]*)\)/.exec(header)?.[1] ?? '')
      .split(',')
      .map(Number)
      .filter((side) => side > 0);
    const body = Uint8Array.from(npy.subarray(10 + npy.readUInt16LE(8)));
    if (header.includes("'<f4'")) arrays.set(name, { shape, data: new Float32Array(body.buffer) });
    if (header.includes("'|u1'")) arrays.set(name, { shape, data: body });
    at += 46 + nameLength + extraLength + file.readUInt16LE(at + 32);
  }
  return arrays;
}

/** Bytes [height, width, 3] as float32 [1, 3, height, width] / 255. */
export function toPlanes(data, height, width) {
  const planes = new Float32Array(3 * height * width);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) planes[c * height * width + i] = data[3 * i + c] / 255;
  }
  return planes;
}

const largestGap = (a, b) => a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);

function report(what, name, expected, found, limit) {
  const gap = largestGap(expected.data, found.data);
  const same = found.dims.slice(-expected.shape.length).join() === expected.shape.join() && gap < limit;
  console.log(`${what} ${name} [${expected.shape}]: largest gap ${gap.toExponential(2)} ${same ? 'ok' : 'WRONG'}`);
  if (!same) process.exitCode = 1;
}

async function checkHoverfast(runtime, folder, set) {
  const weights = readSafetensors(join(folder, `hoverfast_small_${set}.safetensors`));
  const golden = readNpz(join(folder, `hoverfast_small_${set}.npz`));
  for (const size of ['even', 'odd']) {
    const { shape, data } = golden.get(`${size}.input_u8`);
    const [height, width] = shape;
    const { model } = exportHoverfast(weights, height, width);
    const session = await openOnnx(runtime, model, [1, 3, height, width]);
    const outputs = await session.run(toPlanes(data, height, width));
    for (const name of ['logits', 'maps']) {
      report(`HoverFast ${set} ${size}`, name, golden.get(`${size}.${name}`), outputs[name], 1e-4);
    }
    await session.close();
  }
}

/** The setups whose outputs are stored whole. */
async function checkHovernet(runtime, folder) {
  const { default: sharp } = await import('sharp');
  const golden = readNpz(join(folder, 'hovernet_formula.npz'));
  const settings = JSON.parse(readFileSync(join(folder, 'networks.json'), 'utf8'));
  for (const tag of ['fast6_136', 'fast0_136', 'original5_206']) {
    const { mode, nr_types: classes, image, x, y, size } = settings[`${tag}.setup`];
    const window = { left: x, top: y, width: size, height: size };
    const picture = await sharp(join(folder, image)).removeAlpha().extract(window).raw().toBuffer();
    const { model } = exportHovernet(makeHovernet(mode, classes ?? 0), size, size);
    const session = await openOnnx(runtime, model, [1, 3, size, size]);
    const outputs = await session.run(toPlanes(picture, size, size));
    for (const [name, found] of Object.entries(outputs)) {
      report(`HoVer-Net ${tag}`, name, golden.get(`${tag}.${name}`), found, 1e-4);
    }
    await session.close();
  }
}

if (process.argv[1]?.endsWith('check-onnx.mjs')) {
  const runtime = await loadOnnxRuntime();
  if (runtime === null) throw new Error('onnxruntime-node is not installed (npm ci in bench/)');
  const folder = process.argv[2] ?? '.';
  for (const set of ['a', 'b', 'c']) await checkHoverfast(runtime, folder, set);
  await checkHovernet(runtime, folder);
}
