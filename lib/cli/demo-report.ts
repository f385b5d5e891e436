import type { SegmentationScores } from '../nuclei/score.js';
import { clock, grouped, table } from './terminal.js';

/** What `histojet demo` found out. */
export interface DemoReport {
  readonly size: number;
  readonly mpp: number;
  readonly seed: number;
  readonly nuclei: number;
  /** Of the segmentation alone: reading, network, outlines, writing. */
  readonly seconds: number;
  readonly threads: number;
  readonly isa: string;
  readonly precision: string;
  readonly scores: SegmentationScores;
  /** What is in which file: pairs of a name and an absolute path. */
  readonly files: readonly (readonly [name: string, path: string])[];
}

/** The report for people. */
export function describeDemo(report: DemoReport): string {
  const { size, mpp, seed, nuclei, seconds, scores } = report;
  const millimetres = ((size * mpp) / 1000).toFixed(1);
  const megapixels = (size * size) / 1e6;
  const found = table([
    ['nuclei', `${grouped(nuclei)} found, ${grouped(scores.truthCount)} are there, ${grouped(scores.matched)} match`],
    ['Dice', scores.dice.toFixed(3)],
    [
      'panoptic quality',
      `${scores.pq.toFixed(3)} = detection ${scores.dq.toFixed(3)} x outline ${scores.sq.toFixed(3)}`,
    ],
    ['time', `${clock(seconds)} on ${report.threads} threads (${report.isa}, precision ${report.precision})`],
    ['speed', `${(megapixels / seconds).toFixed(1)} megapixels/s, ${grouped(nuclei / seconds)} nuclei/s`],
  ]);
  return (
    `A synthetic slide of ${grouped(size)} x ${grouped(size)} px (${millimetres} x ${millimetres} mm), seed ${seed}\n\n` +
    `${found}\nFiles\n${table(report.files)}\n` +
    'QuPath shows slide and nuclei together: open the slide, then drop the nuclei onto it.\n' +
    'The packaged weights are trained on slides like this one. For real tissue bring trained ones:\n' +
    '  histojet nuclei SLIDE -m WEIGHTS -o nuclei.geojson.gz\n'
  );
}
