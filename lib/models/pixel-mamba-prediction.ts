import type { NativePixelMambaResult } from '../internal/native-pixel-mamba.js';
import type { PixelMambaInfo, PixelMambaPrediction } from './pixel-mamba-types.js';

function chosenClass(probabilities: Float64Array, labels: readonly string[]) {
  const classIndex = probabilities.reduce((best, value, i) => (value > (probabilities[best] ?? 0) ? i : best), 0);
  return { classIndex, label: labels[classIndex] ?? String(classIndex), probabilities };
}

/** What the addon returns, with the fields that belong to the head. */
export function predictionOf(result: NativePixelMambaResult, { head, labels }: PixelMambaInfo): PixelMambaPrediction {
  const { features, logits, regions, regionsSkipped, tokensPooled, spilledBytes, warnings } = result;
  const base = { features, logits, regions, regionsSkipped, tokensPooled, spilledBytes, warnings };
  switch (head) {
    case 'classification':
      return { head, ...chosenClass(result.probabilities, labels), ...base };
    case 'ordinal':
      return { head, ...chosenClass(result.probabilities, labels), above: result.above, ...base };
    case 'survival_discrete':
      return { head, hazards: result.hazards, survival: result.survival, risk: result.risk, ...base };
    case 'cox':
      return { head, risk: result.risk, ...base };
    case 'regression':
      return { head, values: result.values, ...base };
  }
}
