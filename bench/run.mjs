// `npm run bench`: histojet beside its rivals. One table, or JSON for machines.
//   --only GROUP     slide, engine, nuclei, scan or call
//   --part NAME      one part of a group that has parts; with --save the other parts' rows stay
//   --rounds N       rounds per workload, default 7, at least 5 for figures worth quoting
//   --json           an array of { workload, rival, unit, ours, theirs, ratio, bar, limitShare, holds, … }
//   --save NAME      also writes bench/results/NAME.json with the machine
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
const gflops = (value) => (value === null ? 'unknown' : `${value.toFixed(0)} GFLOP/s`);
say(`peaks of one core: multiply-adds ${gflops(machine.fmaPeakGflops)}, tiles ${gflops(machine.tilePeakGflops)}`);

const rows = [];
for (const name of groups.filter((group) => values.only === undefined || group === values.only)) {
  say(`\n${name} …`);
  const { run } = await import(`./groups/${name}.mjs`);
  try {
    rows.push(...(await run({ histojet, rounds, part: values.part })));
  } catch (error) {
    // One group must not hide the others; the failure is part of the report and of the exit code.
    rows.push(makeRow({ workload: name, rival: '–', unit: '–', ours: null, note: `failed: ${error.message}` }));
    process.exitCode = 1;
  }
}

if (values.json) console.log(JSON.stringify(rows, null, 1));
else console.log(`\n${table(rows)}`);
if (values.save !== undefined && process.exitCode === 1) console.error('a group failed: nothing was saved');
else if (values.save !== undefined) {
  const folder = join(root, 'bench', 'results');
  const path = join(folder, `${values.save}.json`);
  const before = values.part !== undefined && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).rows : [];
  const kept = before.filter(({ kind }) => kind !== values.part);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify({ machine, rounds, rows: [...kept, ...rows] }, null, 2)}\n`);
}
