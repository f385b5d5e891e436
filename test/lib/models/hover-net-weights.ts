import { closeSync, openSync, writeSync } from 'node:fs';

/** Shapes of HoVer-Net's tensors in mode fast, by key. */
function tensors(nrTypes: number): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const norm = (key: string, channels: number): void => {
    for (const name of ['weight', 'bias', 'running_mean', 'running_var']) shapes.set(`${key}.${name}`, [channels]);
  };
  const residual = (key: string, input: number, inner: number, out: number, units: number): void => {
    for (let u = 0; u < units; ++u) {
      const unit = `${key}.units.${u}`;
      if (u > 0) norm(`${unit}.preact/bn`, out);
      shapes.set(`${unit}.conv1.weight`, [inner, u > 0 ? out : input, 1, 1]);
      norm(`${unit}.conv1/bn`, inner);
      shapes.set(`${unit}.conv2.weight`, [inner, inner, 3, 3]);
      norm(`${unit}.conv2/bn`, inner);
      shapes.set(`${unit}.conv3.weight`, [out, inner, 1, 1]);
    }
    shapes.set(`${key}.shortcut.weight`, [out, input, 1, 1]);
    norm(`${key}.blk_bna.bn`, out);
  };
  const dense = (key: string, input: number, units: number): void => {
    for (let u = 0; u < units; ++u) {
      const unit = `${key}.units.${u}`;
      norm(`${unit}.preact_bna/bn`, input + 32 * u);
      shapes.set(`${unit}.conv1.weight`, [128, input + 32 * u, 1, 1]);
      norm(`${unit}.conv1/bn`, 128);
      shapes.set(`${unit}.conv2.weight`, [32, 32, 3, 3]);
    }
    norm(`${key}.blk_bna.bn`, input + 32 * units);
  };
  const decoder = (key: string, out: number): void => {
    shapes.set(`${key}.u3.conva.weight`, [256, 1024, 3, 3]);
    dense(`${key}.u3.dense`, 256, 8);
    shapes.set(`${key}.u3.convf.weight`, [512, 512, 1, 1]);
    shapes.set(`${key}.u2.conva.weight`, [128, 512, 3, 3]);
    dense(`${key}.u2.dense`, 128, 4);
    shapes.set(`${key}.u2.convf.weight`, [256, 256, 1, 1]);
    shapes.set(`${key}.u1.conva.weight`, [64, 256, 3, 3]);
    norm(`${key}.u0.bn`, 64);
    shapes.set(`${key}.u0.conv.weight`, [out, 64, 1, 1]);
    shapes.set(`${key}.u0.conv.bias`, [out]);
  };
  shapes.set('conv0./.weight', [64, 3, 7, 7]);
  norm('conv0.bn', 64);
  residual('d0', 64, 64, 256, 3);
  residual('d1', 256, 128, 512, 4);
  residual('d2', 512, 256, 1024, 6);
  residual('d3', 1024, 512, 2048, 3);
  shapes.set('conv_bot.weight', [1024, 2048, 1, 1]);
  decoder('decoder.tp', nrTypes);
  decoder('decoder.np', 2);
  decoder('decoder.hv', 2);
  return shapes;
}

/** 16 384 numbers in [-1, 1), the same every time. */
const noise = Float32Array.from({ length: 1 << 14 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) / 2 ** 31);

/** The noise times `scale` plus `offset` as bfloat16. */
function bfloat16(scale: number, offset: number): Buffer {
  const values = new Uint32Array(noise.map((value) => offset + scale * value).buffer);
  return Buffer.from(new Uint16Array(values.map((bits) => bits >>> 16)).buffer);
}

/** Keeps values of one size through the network, as trained weights do. */
function pattern(key: string, shape: readonly number[]): Buffer {
  // About half of the pixels become nucleus.
  if (key === 'decoder.np.u0.conv.bias') return bfloat16(0, 0);
  if (shape.length === 4) return bfloat16(1.1 * Math.sqrt(3 / shape.slice(1).reduce((a, b) => a * b)), 0);
  if (key.endsWith('running_var')) return bfloat16(0.5, 1);
  return bfloat16(0.25, key.endsWith('.weight') ? 1 : 0);
}

/**
 * Writes a HoVer-Net of its real size with meaningless weights: fast, with classes, 75 MB in bfloat16.
 *
 * @param prefix - stands before all keys
 */
export function writeHoverNet(
  path: string,
  metadata: Readonly<Record<string, string>>,
  nrTypes: number,
  prefix = '',
): void {
  const shapes = [...tensors(nrTypes)];
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  const sizes = shapes.map(([key, shape]) => {
    const size = 2 * shape.reduce((a, b) => a * b);
    header[prefix + key] = { dtype: 'BF16', shape, data_offsets: [end, end + size] };
    end += size;
    return size;
  });
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(path, 'w');
  writeSync(file, Buffer.concat([length, json]));
  for (const [i, [key, shape]] of shapes.entries())
    writeSync(file, Buffer.alloc(sizes[i] as number, pattern(key, shape)));
  closeSync(file);
}
