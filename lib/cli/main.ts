import { readFileSync } from 'node:fs';
import type { Command } from './command.js';
import { exitCodes, failureOf, UsageError } from './exit-codes.js';
import { commandHelp, overview } from './help.js';
import type { Terminal } from './terminal.js';

/** Commands are loaded when they are called: help needs no native code, and `doctor` tells when it cannot be loaded. */
const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['info', async () => (await import('./commands/info.js')).info],
  ['nuclei', async () => (await import('./commands/nuclei.js')).nuclei],
  ['classify', async () => (await import('./commands/classify.js')).classify],
  ['explain', async () => (await import('./commands/explain.js')).explain],
  ['convert', async () => (await import('./commands/convert.js')).convert],
  ['evaluate', async () => (await import('./commands/evaluate.js')).evaluate],
  ['demo', async () => (await import('./commands/demo.js')).demo],
  ['doctor', async () => (await import('./commands/doctor.js')).doctor],
]);

function packageVersion(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}

function help(topic: string | undefined): string {
  if (topic === undefined) return overview;
  const text = commandHelp.get(topic);
  if (text === undefined) throw unknownCommand(topic);
  return text;
}

function unknownCommand(name: string): UsageError {
  return new UsageError(`unknown command ${name}`, `known are ${[...commands.keys(), 'help'].join(', ')}`);
}

/** Whether the user reads stderr by machine, which must hold even when the other arguments make no sense. */
function wantsJson(args: readonly string[]): boolean {
  return args.some((arg, i) => arg === '--progress=json' || (arg === '--progress' && args[i + 1] === 'json'));
}

function report(error: unknown, args: readonly string[], terminal: Terminal): number {
  const { exitCode, code, message, hint } = failureOf(error);
  terminal.stderr.write(`histojet: ${message}\n${hint === '' ? '' : `${hint}\n`}`);
  if (wantsJson(args)) terminal.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
  if (exitCode === exitCodes.internal && process.env.HISTOJET_DEBUG && error instanceof Error) {
    terminal.stderr.write(`${error.stack}\n`);
  }
  return exitCode;
}

/**
 * The command line `histojet …`.
 *
 * @param args - without the program's name
 * @param terminal - where text goes
 * @returns the exit code: 0 done, 3 bad input or arguments, 4 could not write, 130 and 143 interrupted, 1 a defect
 */
export async function main(args: readonly string[], terminal: Terminal = process): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === '--version' || name === '-v') {
      terminal.stdout.write(`${packageVersion()}\n`);
      return exitCodes.ok;
    }
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      terminal.stdout.write(help(rest[0]));
      return exitCodes.ok;
    }
    const load = commands.get(name);
    if (load === undefined) throw unknownCommand(name);
    if (rest.includes('--help') || rest.includes('-h')) {
      terminal.stdout.write(help(name));
      return exitCodes.ok;
    }
    const command = await load();
    return await command(rest, terminal);
  } catch (error) {
    return report(error, args, terminal);
  }
}
