import type { ClassificationScores, SegmentationScores } from '../index.js';
import type { ClassNames } from './class-names.js';
import { grouped, table } from './terminal.js';

/** What `histojet evaluate` found out; `--json` prints it. Scores stand in HoVer-Net's order. */
export interface EvaluationReport {
  readonly truth: string;
  readonly predicted: string;
  /** Side of the counting grid, in the files' pixels. */
  readonly pixel: number;
  readonly dice: number;
  readonly aji: number;
  readonly dq: number;
  readonly sq: number;
  readonly pq: number;
  readonly ajiPlus: number;
  readonly truthCount: number;
  readonly predictedCount: number;
  /** Pairs with IoU > 0.5. */
  readonly matched: number;
  /** With `--types`. */
  readonly classification?: ClassificationReport;
}

/** Scores of the classes. */
export interface ClassificationReport extends Omit<ClassificationScores, 'types'> {
  /** Farthest distance of paired centroids, in the files' pixels. */
  readonly radiusPx: number;
  readonly types: readonly ({ readonly name: string } & Omit<ClassificationScores['types'][number], 'type'>)[];
}

/** Scores in the order in which HoVer-Net prints them, with the counts. */
export function evaluationReport(
  files: { readonly truth: string; readonly predicted: string },
  pixel: number,
  { dice, aji, dq, sq, pq, ajiPlus, truthCount, predictedCount, matched }: SegmentationScores,
): EvaluationReport {
  return { ...files, pixel, dice, aji, dq, sq, pq, ajiPlus, truthCount, predictedCount, matched };
}

/** Scores of the classes with names instead of numbers, by name. */
export function classificationReport(
  radiusPx: number,
  scores: ClassificationScores,
  names: ClassNames,
): ClassificationReport {
  const types = scores.types.map(({ type, ...rest }) => ({ name: names.nameOf(type), ...rest }));
  types.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return { radiusPx, ...scores, types };
}

const digits = (value: number): string => value.toFixed(4);

/** Columns below one another, the first to the left, the others to the right. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return rows.map((row) => `  ${line(row)}\n`).join('');
}

function describeClassification(report: ClassificationReport): string {
  const summary = table([
    ['detection F1', `${digits(report.detectionF1)} (centroids within ${report.radiusPx} px)`],
    ['accuracy', `${digits(report.accuracy)} of ${grouped(report.paired)} pairs`],
    ['mean DQ', digits(report.meanDq)],
    ['mean SQ', digits(report.meanSq)],
    ['mean PQ', digits(report.meanPq)],
  ]);
  const rows = report.types.map(({ name, truthCount, predictedCount, dq, sq, pq, f1 }) => [
    name,
    grouped(truthCount),
    grouped(predictedCount),
    ...[dq, sq, pq, f1].map(digits),
  ]);
  const greedy =
    report.greedilyPaired === 0
      ? ''
      : `\n  ${grouped(report.greedilyPaired)} pairs were found nearest first: the radius joins too many nuclei\n`;
  return `\n${summary}\n${columns([['class', 'truth', 'predicted', 'DQ', 'SQ', 'PQ', 'F1'], ...rows])}${greedy}`;
}

/** The report for people. */
export function describeEvaluation(report: EvaluationReport): string {
  const { truthCount, predictedCount, matched, classification } = report;
  const scores = table([
    ['Dice', digits(report.dice)],
    ['AJI', digits(report.aji)],
    ['DQ', digits(report.dq)],
    ['SQ', digits(report.sq)],
    ['PQ', digits(report.pq)],
    ['AJI+', digits(report.ajiPlus)],
    ['nuclei', `${grouped(truthCount)} true, ${grouped(predictedCount)} predicted, ${grouped(matched)} match`],
  ]);
  return `${scores}${classification === undefined ? '' : describeClassification(classification)}`;
}
