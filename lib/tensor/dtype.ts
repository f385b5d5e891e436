import { rangeError, typeError } from '../errors.js';
import { kindOf } from '../internal/validate.js';

/** Element types of tensors, named as safetensors names them, in small letters. */
export type DType =
  | 'bool'
  | 'u8'
  | 'i8'
  | 'i16'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'i64'
  | 'u64'
  | 'f16'
  | 'bf16'
  | 'f32'
  | 'f64'
  | 'f8_e4m3'
  | 'f8_e5m2';

/** Typed arrays that tensors are made from and copied into. */
export type TypedArray =
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

type ArrayMaker = { new (buffer: ArrayBuffer): TypedArray };

/** The array that holds a dtype; types without an own array are held as raw bits. */
const arrayOf: Readonly<Record<DType, ArrayMaker>> = {
  bool: Uint8Array,
  u8: Uint8Array,
  i8: Int8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  f32: Float32Array,
  f64: Float64Array,
  f8_e4m3: Uint8Array,
  f8_e5m2: Uint8Array,
};

const nativeNames = new Map<DType, string>([
  ['bool', 'BOOL'],
  ['f8_e4m3', 'F8_E4M3'],
  ['f8_e5m2', 'F8_E5M2'],
]);

/** The name that the native side uses. */
export function nativeDType(dtype: DType): string {
  return nativeNames.get(dtype) ?? dtype.toUpperCase();
}

/** The public name of a native one. */
export function publicDType(name: string): DType {
  return name.toLowerCase() as DType;
}

/** A typed array of the dtype over the buffer. */
export function arrayOver(dtype: DType, buffer: ArrayBuffer): TypedArray {
  return new arrayOf[dtype](buffer);
}

/** The dtype whose array this is, when nothing else is said: raw 16-bit words are 'u16', bytes 'u8'. */
function naturalDType(data: TypedArray): DType {
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) return 'u8';
  if (data instanceof Int8Array) return 'i8';
  if (data instanceof Int16Array) return 'i16';
  if (data instanceof Uint16Array) return 'u16';
  if (data instanceof Int32Array) return 'i32';
  if (data instanceof Uint32Array) return 'u32';
  if (data instanceof BigInt64Array) return 'i64';
  if (data instanceof BigUint64Array) return 'u64';
  if (data instanceof Float32Array) return 'f32';
  if (data instanceof Float64Array) return 'f64';
  throw typeError(`data: expected a typed array, got ${kindOf(data)}`);
}

/** Checks `dtype` (any capitals) against the array that shall hold it; without one, the array decides. */
export function checkDType(data: TypedArray, dtype: string | undefined): DType {
  const natural = naturalDType(data);
  if (dtype === undefined) return natural;
  if (typeof dtype !== 'string') throw typeError(`dtype: expected a string, got ${kindOf(dtype)}`);
  const wanted = dtype.toLowerCase();
  if (!Object.hasOwn(arrayOf, wanted)) {
    throw rangeError(`dtype: expected one of ${Object.keys(arrayOf).join(', ')}, got '${dtype}'`);
  }
  const maker = arrayOf[wanted as DType];
  const fits = data instanceof maker || (maker === Uint8Array && natural === 'u8');
  if (!fits) throw typeError(`dtype '${wanted}' is made from a ${maker.name}, got ${kindOf(data)}`);
  return wanted as DType;
}
