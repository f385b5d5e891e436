import { native } from '../native.js';
import type { Weights } from '../weights/weights.js';
import { type HoverFast, wrapHoverFast } from './hover-fast.js';
import { type HoverNet, wrapHoverNet } from './hover-net.js';
import type { ModelOptions } from './model-options.js';
import { loadNetwork } from './nuclei-model.js';

/**
 * Loads a network for nuclei, {@link HoverFast} or {@link HoverNet}: whichever the names of the checkpoint's tensors
 * tell.
 *
 * @param weights - a path or open weights (which stay open)
 * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT` when it is neither, and whatever {@link HoverFast.load} and
 * {@link HoverNet.load} throw; TypeError, RangeError
 */
export async function loadModel(weights: string | Weights, options?: ModelOptions): Promise<HoverFast | HoverNet> {
  const loaded = await loadNetwork('modelLoad', weights, options);
  return native.modelInfo(loaded.handle).architecture === 'hovernet' ? wrapHoverNet(loaded) : wrapHoverFast(loaded);
}
