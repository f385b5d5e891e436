// `npm run docs:performance`: writes docs/performance.md from docs/templates/performance.md and bench/results. In the
// template, {{ GROUP KIND … }} stands for the rows of these kinds, or for all rows, of each bench/results/MACHINE/GROUP.json.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './process.mjs';

const template = join(root, 'docs', 'templates', 'performance.md');
const resultsFolder = join(root, 'bench', 'results');
/** The page, relative to the package root. */
export const pagePath = join('docs', 'performance.md');

/** Three digits, and no fewer than the whole number has. */
function figure(value) {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

const percent = (share) => `${(100 * share).toFixed(0)} %`;

function goal({ bar, barOn, unit, holds }) {
  if (bar === null) return null;
  const text = {
    ratio: () => `${bar}x`,
    ours: () => `at most ${bar} ${unit}`,
    rate: () => `at least ${bar} ${unit}`,
    share: () => `${percent(bar)} of the limit`,
  }[barOn]();
  if (holds === null) return `${text} (not judged)`;
  return holds ? text : `${text} (missed)`;
}

/** The columns of a table; those without any entry are left out. */
const columns = [
  { title: 'workload', cell: ({ workload }) => workload },
  { title: 'beside', cell: ({ rival }) => (rival.startsWith('none') || rival === '–' ? null : rival) },
  { title: 'unit', cell: ({ unit }) => unit },
  { title: 'theirs', cell: ({ theirs }) => theirs && figure(theirs) },
  { title: 'histojet', cell: ({ ours }) => ours && figure(ours) },
  { title: 'ratio', cell: ({ ratio }) => ratio && `${figure(ratio)}x` },
  { title: 'goal', cell: goal },
  { title: 'share of the limit', cell: ({ limitShare }) => limitShare && percent(limitShare) },
];

/** Rows without a figure, and those of which rounds were discarded, say why. */
const remark = ({ note }) => /missing|discarded|no figure/.test(note);

function table(rows) {
  const shown = columns.filter(({ cell }) => rows.some((row) => cell(row)));
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const remarks = rows.filter(remark).map(({ workload, rival, note }) => `- ${workload}, beside ${rival}: ${note}`);
  return [
    line(shown.map(({ title }) => title)),
    line(shown.map(() => '---')),
    ...rows.map((row) => line(shown.map(({ cell }) => cell(row) || '–'))),
    ...(remarks.length > 0 ? ['', ...remarks] : []),
  ].join('\n');
}

function machineSentence(machine, { rounds, fmaPeakGflops, pairPeakGflops, tilePeakGflops }) {
  const peaks = [
    fmaPeakGflops && `${fmaPeakGflops.toFixed(0)} GFLOP/s of float32 multiply-adds`,
    pairPeakGflops && `${pairPeakGflops.toFixed(0)} GFLOP/s of products of bfloat16 pairs`,
    tilePeakGflops && `${tilePeakGflops.toFixed(0)} GFLOP/s of bfloat16 tiles`,
  ].filter(Boolean);
  const measured = peaks.length > 0 ? `; peak of one core: ${peaks.join(', ')}` : '';
  const amx = machine.features.includes('amx_bf16') ? 'with AMX' : 'without AMX';
  const count = `${rounds} round${rounds === 1 ? '' : 's'}`;
  return `**${machine.cpu} ${amx}**, ${machine.cores} cores, Node ${machine.node}, ${count}${measured}.`;
}

/** The rows that a place in the template asks for, and what they were measured on: a table for each kind of machine. */
function section(place) {
  const [group, ...kinds] = place.trim().split(/\s+/);
  const tables = readdirSync(resultsFolder)
    .sort()
    .map((machine) => join(resultsFolder, machine, `${group}.json`))
    .filter((path) => existsSync(path))
    .flatMap((path) => {
      const { machine, rows } = JSON.parse(readFileSync(path, 'utf8'));
      const shown = rows.filter(({ kind }) => kinds.length === 0 || kinds.includes(kind));
      return shown.length === 0 ? [] : [`${machineSentence(machine, shown[0].run)}\n\n${table(shown)}`];
    });
  return tables.length === 0 ? 'Not saved yet.' : tables.join('\n\n');
}

/** The text of the page. */
export function performancePage() {
  const page = readFileSync(template, 'utf8').replace(/\{\{(.*?)\}\}/g, (_, place) => section(place));
  const origin = 'Made by `npm run docs:performance`; change docs/templates/performance.md or measure again.';
  return `<!-- ${origin} -->\n\n${page}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(root, pagePath), performancePage());
