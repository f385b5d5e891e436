// `npm run bench`: histojet beside its rivals. One table, or JSON for machines.
//   --only GROUP     slide, engine, nuclei, scan or call
//   --part NAME      one part of a group that has parts; with --save the other parts' rows stay
//   --rounds N       rounds per workload, default 7, at least 5 for figures worth quoting
//   --json           an array of { workload, rival, unit, ours, theirs, ratio, bar, limitShare, holds, … }
//   --save MACHINE   also writes bench/results/MACHINE/GROUP.json, each group as soon as it is measured; MACHINE names
//                    the kind of CPU, and figures of different kinds stay apart
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeRow, table } from './harness.mjs';
import { describeMachine } from './machine.mjs';
import { root } from './programs.mjs';

const groups = ['slide', 'engine', 'nuclei', 'scan', 'call'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    part: { type: 'string' },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    save: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
if (values.only !== undefined && !groups.includes(values.only)) {
  console.error(`--only ${values.only}: expected one of ${groups.join(', ')}`);
  process.exit(3);
}
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds ${values.rounds}: expected a whole number from 1 on`);
  process.exit(3);
}

const { partNames = [] } = values.part === undefined ? {} : await import(`./groups/${values.only}.mjs`);
if (values.part !== undefined && !partNames.includes(values.part)) {
  console.error(`--part ${values.part}: expected one of ${partNames.join(', ') || 'none'} of --only ${values.only}`);
  process.exit(3);
}

// All comparisons are per core; the executor reads this when the addon is loaded.
process.env.HISTOJET_THREADS = '1';
const histojet = await import('../dist/index.js');

const say = values.json ? console.error : console.log;
const machine = await describeMachine();
say(`${machine.cpu}, ${machine.cores} cores, ${machine.features.join(' ')}, Node ${machine.node}`);
const gflops = (value) => (value === null ? 'none' : `${value.toFixed(0)} GFLOP/s`);
say(
  `peaks of one core: multiply-adds ${gflops(machine.fmaPeakGflops)}, pairs of bfloat16 ${gflops(machine.pairPeakGflops)}, ` +
    `tiles ${gflops(machine.tilePeakGflops)}`,
);

/** Writes a group's rows; those of its other parts stay, where only one was measured. */
function save(group, rows) {
  const folder = join(root, 'bench', 'results', values.save);
  const path = join(folder, `${group}.json`);
  const before = values.part !== undefined && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).rows : [];
  const kept = before.filter(({ kind }) => kind !== values.part);
  // Parts are measured one by one, on days on which a shared machine does more or less.
  const { fmaPeakGflops, pairPeakGflops, tilePeakGflops, ...kind } = machine;
  const measured = rows.map((row) => ({ ...row, run: { rounds, fmaPeakGflops, pairPeakGflops, tilePeakGflops } }));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify({ machine: kind, rows: [...kept, ...measured] }, null, 2)}\n`);
}

const rows = [];
for (const name of groups.filter((group) => values.only === undefined || group === values.only)) {
  say(`\n${name} …`);
  const { run } = await import(`./groups/${name}.mjs`);
  try {
    const measured = await run({ histojet, rounds, part: values.part });
    rows.push(...measured);
    if (values.save !== undefined) save(name, measured);
  } catch (error) {
    // One group must not hide the others; the failure is part of the report and of the exit code.
    rows.push(makeRow({ workload: name, rival: '–', unit: '–', ours: null, note: `failed: ${error.message}` }));
    process.exitCode = 1;
  }
}

if (values.json) console.log(JSON.stringify(rows, null, 1));
else console.log(`\n${table(rows)}`);
