import { typeError } from '../errors.js';
import { fillCopy, isLarge, withShared } from '../internal/array-copy.js';
import * as validate from '../internal/validate.js';
import { type Handle, native, type TensorHandle } from '../native.js';
import { type DType, nativeDType, type TypedArray } from './dtype.js';
import { checkValues, Tensor, type TensorInput, tensorHandle, wrapTensor } from './tensor.js';

/** Tensors in the places of the inputs. */
export type Tensors<Inputs> = { readonly [Name in keyof Inputs]: Tensor };

/** The handles of tensors by name. */
export function tensorHandles(tensors: Readonly<Record<string, Tensor>>): Record<string, TensorHandle> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensorHandle(tensor)]));
}

/** Values that are copied in pieces. */
interface LargeValues {
  readonly data: TypedArray;
  readonly size: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** What is known of an input at once: small values are copied here. */
function prepare(name: string, value: TensorInput): Tensor | LargeValues {
  if (value instanceof Tensor) return value;
  if (typeof value !== 'object' || value === null) {
    throw typeError(`${name}: expected a Tensor or { data, shape }, got ${validate.kindOf(value)}`);
  }
  const { data } = value;
  const checked = checkValues(data, value.shape, undefined);
  return isLarge(data) ? { data, size: data.byteLength, ...checked } : Tensor.from(data, checked.shape);
}

async function copyLarge(name: string, { data, size, dtype, shape }: LargeValues): Promise<Tensor> {
  const copy = await native.copyOpenTensor(nativeDType(dtype), shape);
  await fillCopy(name, copy, data, size);
  return wrapTensor(native.copyTensor(copy));
}

/**
 * Runs a call that takes tensors or plain values. Where all of those are small it begins, and copies them, at once; else
 * when copies have been made between turns of the event loop.
 *
 * @param owners - models that the call uses; the job gets handles that stay open
 * @param job - must begin the native call before it waits for anything
 * @throws TypeError, RangeError; {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_DISPOSED`
 */
export async function withTensors<
  Inputs extends Readonly<Record<string, TensorInput>>,
  Owners extends readonly Handle<string>[] | [],
  Result,
>(
  owners: Owners,
  inputs: Inputs,
  job: (tensors: Tensors<Inputs>, ...owners: Owners) => Promise<Result>,
): Promise<Result> {
  const prepared = Object.entries(inputs).map(([name, value]) => [name, prepare(name, value)] as const);
  if (prepared.every(([, value]) => value instanceof Tensor)) {
    return job(Object.fromEntries(prepared) as Tensors<Inputs>, ...owners);
  }
  // The caller may close its own tensors while others are copied.
  const held = prepared.map(
    ([name, value]) => [name, value instanceof Tensor ? wrapTensor(native.share(tensorHandle(value))) : value] as const,
  );
  const tensors: Record<string, Tensor> = {};
  return withShared(owners, async (shared) => {
    try {
      for (const [name, value] of held) {
        tensors[name] = value instanceof Tensor ? value : await copyLarge(name, value);
      }
      return job(tensors as Tensors<Inputs>, ...(shared as unknown as Owners));
    } finally {
      // Not awaited: the native call has them by now, and the executor gives the memory back when it is done.
      for (const tensor of Object.values(tensors)) tensor.close();
    }
  });
}
