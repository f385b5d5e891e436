import type { AttributionTest, PerturbationCurve } from '../index.js';

interface RandomAreas {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

function areas(curves: readonly PerturbationCurve[]): RandomAreas {
  const found = curves.map(({ area }) => area);
  const mean = found.reduce((sum, area) => sum + area, 0) / found.length;
  return { mean, least: Math.min(...found), most: Math.max(...found) };
}

function row(name: string, { area }: PerturbationCurve, random: readonly PerturbationCurve[], better: boolean): string {
  const cells = [name.padEnd(10), area.toFixed(3).padStart(9)];
  if (random.length > 0) {
    const { mean, least, most } = areas(random);
    const range = `(${least.toFixed(3)} to ${most.toFixed(3)})`;
    cells.push(mean.toFixed(3).padStart(9), range.padEnd(20), better ? 'better than random' : 'not better than random');
  }
  return `  ${cells.join('  ')}\n`;
}

/** A small table: the mean score in the order of the map, and in random ones. */
export function attributionTestText({ squares, cellPx, deletion, insertion, random }: AttributionTest): string {
  const deletions = random.map((curves) => curves.deletion);
  const insertions = random.map((curves) => curves.insertion);
  const head = `  mean score   this map${random.length > 0 ? '  at random' : ''}\n`;
  const first = random.length === 0 || deletion.area < areas(deletions).least;
  const second = random.length === 0 || insertion.area > areas(insertions).most;
  return (
    `  ${squares} squares of ${cellPx} px painted over and uncovered, the most relevant first\n` +
    head +
    row('deletion', deletion, deletions, first) +
    row('insertion', insertion, insertions, second)
  );
}

function curve({ share, score, area }: PerturbationCurve) {
  return { area, share: [...share], score: [...score] };
}

/** The same as an object for JSON. */
export function attributionTestRecord({ cellPx, squares, deletion, insertion, random }: AttributionTest) {
  return {
    cellPx,
    squares,
    deletion: curve(deletion),
    insertion: curve(insertion),
    random: random.map((curves) => ({
      seed: curves.seed,
      deletion: curve(curves.deletion),
      insertion: curve(curves.insertion),
    })),
  };
}
