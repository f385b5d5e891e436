import type { PixelMambaPrediction } from '../index.js';

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const rounded = (values: Float64Array | Float32Array): number[] =>
  [...values].map((value) => Number(value.toPrecision(6)));

/** Names of the outputs; their numbers where the checkpoint names none. */
function names(labels: readonly string[], count: number): string[] {
  return Array.from({ length: count }, (_, i) => labels[i] ?? String(i));
}

/** `grade 2 (97.1 %; grade 0 0.3 %, …)` and the like, in one line. */
export function predictionText(prediction: PixelMambaPrediction, labels: readonly string[]): string {
  switch (prediction.head) {
    case 'classification':
    case 'ordinal': {
      const { probabilities, classIndex, label } = prediction;
      const others = names(labels, probabilities.length)
        .map((name, i) => ({ name, share: probabilities[i] ?? 0, i }))
        .filter(({ i }) => i !== classIndex)
        .map(({ name, share }) => `${name} ${percent(share)}`);
      return `${label} (${percent(probabilities[classIndex] ?? 0)}; ${others.join(', ')})`;
    }
    case 'survival_discrete': {
      const shares = names(labels, prediction.survival.length).map(
        (name, i) => `${name} ${percent(prediction.survival[i] ?? 0)}`,
      );
      return `risk ${prediction.risk.toFixed(3)} (survival beyond ${shares.join(', ')})`;
    }
    case 'cox':
      return `log risk ${prediction.risk.toFixed(3)}`;
    case 'regression':
      return names(labels, prediction.values.length)
        .map((name, i) => `${name} ${(prediction.values[i] ?? 0).toPrecision(6)}`)
        .join(', ');
  }
}

/** The same for machines. */
export function predictionRecord(prediction: PixelMambaPrediction): Readonly<Record<string, unknown>> {
  const { head, logits, regions, regionsSkipped } = prediction;
  const common = { head, logits: rounded(logits), regions, regionsSkipped };
  switch (prediction.head) {
    case 'classification':
    case 'ordinal':
      return {
        label: prediction.label,
        classIndex: prediction.classIndex,
        probabilities: rounded(prediction.probabilities),
        ...common,
      };
    case 'survival_discrete':
      return {
        risk: prediction.risk,
        hazards: rounded(prediction.hazards),
        survival: rounded(prediction.survival),
        ...common,
      };
    case 'cox':
      return { risk: prediction.risk, ...common };
    case 'regression':
      return { values: rounded(prediction.values), ...common };
  }
}
