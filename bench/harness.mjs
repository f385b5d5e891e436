// Measuring in turns, medians, and the table. Every figure is a ratio inside one run: ours and the rival alternate, so
// that a busy machine hurts both alike. CPU time decides (a shared machine makes wall time meaningless); wall time is
// reported beside it.

/** Middle value; the upper one of two. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** CPU and wall milliseconds of this process while `work` runs; all of its threads count. */
export async function timed(work) {
  const wallStart = performance.now();
  const cpuStart = process.cpuUsage();
  await work();
  const cpu = process.cpuUsage(cpuStart);
  return { cpuMs: (cpu.user + cpu.system) / 1000, wallMs: performance.now() - wallStart };
}

/**
 * Runs the contenders in turn, `rounds` times after one round that only warms up.
 *
 * @param contenders - name → function that does the work once and resolves to its `{ cpuMs, wallMs }` (see `timed`; a
 * rival in a process of its own reports its own time)
 * @returns name → `{ cpuMs, wallMs }` medians
 */
export async function interleave(contenders, rounds) {
  const samples = new Map(Object.keys(contenders).map((name) => [name, { cpuMs: [], wallMs: [] }]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, work] of Object.entries(contenders)) {
      const { cpuMs, wallMs } = await work();
      if (round < 0) continue;
      samples.get(name).cpuMs.push(cpuMs);
      samples.get(name).wallMs.push(wallMs);
    }
  }
  return Object.fromEntries(
    [...samples].map(([name, { cpuMs, wallMs }]) => [name, { cpuMs: median(cpuMs), wallMs: median(wallMs) }]),
  );
}

/**
 * One line of the report. `ratio` > 1 means that ours is better, whichever way the unit points.
 *
 * @param row - `workload`, `rival`, `unit`, `ours`, `theirs` (null: the rival is missing or there is none);
 * `higherIsBetter`; `bar` (null: nothing is promised) and `barOn`: 'ratio' (at least), 'ours' (at most), 'rate' (ours,
 * at least) or 'share' (at least); `limitShare`: share of the physical limit, if known; `note`: what a reader must know
 */
export function makeRow({
  workload,
  rival,
  unit,
  ours,
  theirs = null,
  higherIsBetter = false,
  bar = null,
  barOn = 'ratio',
  limitShare = null,
  alsoHolds = false,
  note = '',
  ...extra
}) {
  const ratio = ours === null || theirs === null ? null : higherIsBetter ? ours / theirs : theirs / ours;
  const judged = { ratio, ours, rate: ours, share: limitShare }[barOn];
  const known = bar !== null && judged !== null;
  const holds = known ? alsoHolds || (barOn === 'ours' ? judged <= bar : judged >= bar) : null;
  return { workload, rival, unit, ours, theirs, ratio, bar, barOn, limitShare, holds, note, ...extra };
}

/** A row for a rival that is not installed: it is shown, and its bar does not count. */
export function missingRow({ workload, rival, unit, bar = null, reason }) {
  return makeRow({ workload, rival, unit, ours: null, bar, note: `missing: ${reason}` });
}

const digits = (value, count) => (value === null ? '–' : value.toPrecision(count).replace(/\.?0+$/, ''));

const judgement = (row) => {
  if (row.bar === null) return '–';
  const sign = row.barOn === 'ours' ? '≤' : '≥';
  const unit = { ratio: 'x', ours: ` ${row.unit}`, rate: ` ${row.unit}`, share: ' of limit' }[row.barOn];
  return `${sign} ${row.bar}${unit}`;
};

const number = (value) => (value === null ? '–' : Math.abs(value) >= 100 ? value.toFixed(0) : digits(value, 3));

/** The rows as a text table. */
export function table(rows) {
  const head = ['workload', 'rival', 'unit', 'ours', 'theirs', 'ratio', 'bar', 'of limit', 'holds'];
  const body = rows.map((row) => [
    row.workload,
    row.rival,
    row.unit,
    number(row.ours),
    number(row.theirs),
    row.ratio === null ? '–' : `${number(row.ratio)}x`,
    judgement(row),
    row.limitShare === null ? '–' : `${(100 * row.limitShare).toFixed(0)} %`,
    row.holds === null ? (row.note.startsWith('missing') ? 'missing' : '–') : row.holds ? 'yes' : 'NO',
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i].length)));
  const line = (cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  const notes = rows.filter((row) => row.note !== '').map((row) => `  ${row.workload} / ${row.rival}: ${row.note}`);
  return [line(head), rule, ...body.map(line), ...(notes.length > 0 ? ['', 'Notes', ...notes] : [])].join('\n');
}
