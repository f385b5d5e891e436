// Arrays of a NumPy .npz file: a zip without zip64 of one .npy each.
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';

const endMark = 0x06054b50;

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** Float values of one .npy in C order. */
function floatsOf(npy, name) {
  const start = 10 + npy.readUInt16LE(8);
  const dtype = /'descr': '([^']+)'/.exec(npy.toString('latin1', 10, start))?.[1];
  const body = Uint8Array.from(npy.subarray(start)).buffer;
  if (dtype === '<f4') return new Float32Array(body);
  if (dtype === '<f2') return Float32Array.from(new Uint16Array(body), fromHalf);
  throw new Error(`${name}: expected float16 or float32, got ${dtype}`);
}

/**
 * @param path - the .npz
 * @param names - arrays to read, float16 or float32
 * @returns name → Float32Array
 */
export function readNpz(path, names) {
  const file = readFileSync(path);
  let end = file.length - 22;
  while (end >= 0 && file.readUInt32LE(end) !== endMark) end--;
  if (end < 0) throw new Error(`${path}: no end of a zip`);
  const arrays = {};
  let at = file.readUInt32LE(end + 16);
  for (let i = file.readUInt16LE(end + 10); i > 0; i--) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => file.readUInt16LE(at + offset));
    const name = file.toString('utf8', at + 46, at + 46 + nameBytes).replace(/\.npy$/, '');
    const local = file.readUInt32LE(at + 42);
    const data = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    const packed = file.subarray(data, data + file.readUInt32LE(at + 20));
    if (names.includes(name)) {
      arrays[name] = floatsOf(file.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed), name);
    }
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  return arrays;
}
