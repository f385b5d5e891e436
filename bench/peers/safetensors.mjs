// A few lines of safetensors for the rivals, so that they do not depend on the code under test.
import { readFileSync, writeFileSync } from 'node:fs';

/** Reads float32 and int64 tensors: `{ metadata, tensors: Map name → { shape, data } }`. */
export function readSafetensors(path) {
  const file = readFileSync(path);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes));
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets: range }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    // A copy, because tensors need not be aligned in the file.
    const bytes = Uint8Array.from(file.subarray(8 + headerBytes + range[0], 8 + headerBytes + range[1]));
    if (dtype === 'F32') tensors.set(name, { shape, data: new Float32Array(bytes.buffer) });
    else if (dtype !== 'I64') throw new Error(`${path}: tensor ${name} has the type ${dtype}`);
  }
  return { metadata: header.__metadata__ ?? {}, tensors };
}

/** Writes float32 tensors. */
export function writeSafetensors(path, { metadata, tensors }) {
  const header = { __metadata__: metadata };
  const parts = [];
  let at = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
    parts.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  writeFileSync(path, Buffer.concat([length, padded, ...parts]));
}
