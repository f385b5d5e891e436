import { callNative } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { Weights, weightsHandle } from '../weights/weights.js';

/** A checkpoint that is open, and what a network says of it. */
export interface OpenedWeights {
  readonly file: Weights;
  readonly about: { readonly path: string; readonly sha256: string };
}

/** Opens weights for as long as `load` needs them; those that the caller opened stay open. */
export async function withWeights<Model>(
  weights: string | Weights,
  signal: AbortSignal | undefined,
  load: (opened: OpenedWeights) => Promise<Model>,
): Promise<Model> {
  const opened = async (file: Weights): Promise<Model> => {
    const source = weightsHandle(file);
    const sha256 = await callNative(signal, (cancel) => native.weightsSha256(source, cancel));
    return load({ file, about: Object.freeze({ path: file.path, sha256 }) });
  };
  if (weights instanceof Weights) return opened(weights);
  const path = validate.text('weights', weights);
  // Published checkpoints hold NumPy scalars and the optimiser's state beside the weights.
  const file = await Weights.open(path, { opaqueGlobals: true, ...(signal && { signal }) });
  try {
    return await opened(file);
  } finally {
    await file.close();
  }
}
