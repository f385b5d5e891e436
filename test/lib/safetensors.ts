import { readFileSync, writeFileSync } from 'node:fs';

/** Float32 values with a shape. */
export interface Floats {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };

/** The tensors of a safetensors file, which must be float32, by name. */
export function readSafetensors(path: string): Map<string, Floats> {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...entries } = JSON.parse(bytes.subarray(8, start).toString()) as Record<string, Entry>;
  return new Map(
    Object.entries(entries).map(([name, { shape, data_offsets: offsets }]) => {
      const values = Uint8Array.from(bytes.subarray(start + offsets[0], start + offsets[1]));
      return [name, { shape, data: new Float32Array(values.buffer) }];
    }),
  );
}

/** Writes float32 tensors as a safetensors file and returns its path. */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Floats>,
  metadata: Readonly<Record<string, string>> = {},
): string {
  const header: Record<string, Entry | typeof metadata> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { data, shape }] of tensors) {
    header[name] = { dtype: 'F32', shape: [...shape], data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const parts = [...tensors.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  writeFileSync(path, Buffer.concat([length, json, ...parts]));
  return path;
}

/** The weights of a fixture, without the prefix that they have there. */
export function fixtureWeights(path: string): Map<string, Floats> {
  const prefix = 'weights.';
  const all = [...readSafetensors(path)].filter(([name]) => name.startsWith(prefix));
  return new Map(all.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** Made values in [offset - scale, offset + scale), the same every time, others for each seed. */
export function made(shape: readonly number[], seed: number, scale: number, offset = 0): Floats {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, (_, i) => {
    const noise = Math.imul(Math.imul(i + 1, 0x9e3779b1) ^ (seed * 0x85ebca6b), 0xc2b2ae35) / 2 ** 31;
    return offset + scale * noise;
  });
  return { data, shape };
}

/** |a - b| / |b|, Euclidean. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; ++i) {
    difference += ((a[i] ?? Number.NaN) - (b[i] ?? 0)) ** 2;
    norm += (b[i] ?? 0) ** 2;
  }
  return a.length === b.length ? Math.sqrt(difference / norm) : Number.NaN;
}
