import { statSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { defaultWeightsPath, HoverFast, Slide, systemInfo } from '../../index.js';
import { OptionReader, splitArguments } from '../arguments.js';
import type { Command } from '../command.js';
import { exitCodes, failureOf, UsageError } from '../exit-codes.js';
import { type OpeningOptions, openingOptions, openslideOption } from '../opening-options.js';
import { checkSlide } from '../slide-checkup.js';
import { humanBytes, type Terminal, table } from '../terminal.js';

type Row = readonly [name: string, text: string];

/** glibc's version, which decides whether a prebuilt addon loads; '' on other systems. */
function glibcVersion(): string {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  report.excludeNetwork = true; // looking up interfaces can take seconds
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime ?? '';
}

function machine(): Row[] {
  const { version, addonPath, node, cpu, isa, threads } = systemInfo();
  const glibc = glibcVersion();
  return [
    ['histojet', version],
    ['Node.js', `${node} (${process.platform}-${process.arch}${glibc === '' ? '' : `, glibc ${glibc}`})`],
    ['addon', `${addonPath} (${addonPath.includes('prebuilds') ? 'prebuilt' : 'built here'})`],
    ['processor', cpu.model],
    ['features', cpu.features.join(' ') || 'none that matter'],
    ['instructions', `${isa}${process.env.HISTOJET_ISA ? ' (capped by HISTOJET_ISA)' : ''}`],
    ['threads', `${threads}${process.env.HISTOJET_THREADS ? ' (set by HISTOJET_THREADS)' : ''}`],
    ['memory', `${humanBytes(totalmem())}, ${humanBytes(freemem())} free`],
    ['CUDA', 'not built in this version'],
    ['OpenSlide', 'loaded when a slide needs it (libopenslide.so.1 or .so.0)'],
  ];
}

/** A grey picture with a dark disc: the network must give a finite probability everywhere. */
function testPicture(side: number): { data: Uint8Array; width: number; height: number; channels: 3 } {
  const data = new Uint8Array(3 * side * side).fill(230);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      if (Math.hypot(x - side / 2, y - side / 2) < side / 6) data.set([90, 60, 130], 3 * (y * side + x));
    }
  }
  return { data, width: side, height: side, channels: 3 };
}

async function computes(model: HoverFast): Promise<string> {
  const side = 64;
  const started = performance.now();
  const { np, hv } = await model.predict(testPicture(side));
  const probabilities = await np.data();
  const gradients = await hv.data();
  const milliseconds = performance.now() - started;
  const sane = Array.from(probabilities, Number).every((value) => value >= 0 && value <= 1);
  const finite = Array.from(gradients, Number).every(Number.isFinite);
  if (probabilities.length !== side * side || !sane || !finite) throw new Error('the network gave no probabilities');
  return `ok, ${milliseconds.toFixed(0)} ms for ${side} x ${side} px`;
}

/** Runs the checks in turn; what failed stands in the table, and the first failure decides the exit code. */
async function checks(): Promise<{ rows: Row[]; exitCode: number }> {
  const rows: Row[] = [];
  let step = 'weights';
  try {
    const path = defaultWeightsPath();
    await using model = await HoverFast.load();
    const { parameters, precision } = model.info;
    const size = humanBytes(statSync(path).size);
    rows.push([step, `ok, ${path} (${size}, ${(parameters / 1e6).toFixed(2)} million parameters, ${precision})`]);
    step = 'self-test';
    rows.push([step, await computes(model)]);
    return { rows, exitCode: exitCodes.ok };
  } catch (error) {
    const { message, hint, exitCode } = failureOf(error);
    rows.push([step, `FAILED: ${message}`], ['', hint]);
    return { rows, exitCode };
  }
}

/** What is known of one slide, and whether it reads. */
async function examine(path: string, opening: OpeningOptions, terminal: Terminal): Promise<number> {
  await using slide = await Slide.open(path, opening);
  const { rows, readable } = await checkSlide(slide);
  terminal.stdout.write(`${slide.path}\n${table(rows)}`);
  return readable ? exitCodes.ok : exitCodes.input;
}

/** `histojet doctor [SLIDE]` */
export const doctor: Command = async (args, terminal) => {
  const options = new OptionReader(splitArguments('doctor', args, openslideOption));
  const path = options.optionalPositional('doctor', 'SLIDE');
  if (path !== undefined) return examine(path, openingOptions(options), terminal);
  if (options.text('openslide') !== undefined) {
    throw new UsageError(
      '--openslide says how a slide is opened',
      'for example: histojet doctor SLIDE --openslide off',
    );
  }
  terminal.stdout.write(`${table(machine())}\n`);
  const { rows, exitCode } = await checks();
  terminal.stdout.write(table(rows));
  return exitCode;
};
