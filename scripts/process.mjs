// Small helpers that the scripts of this folder share. Plain Node: nothing is installed yet when they run.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package root. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Prints a line that says which step runs. */
export function step(text) {
  console.log(`\n> ${text}`);
}

/** Ends the script with a message for people. */
export function fail(message) {
  console.error(`\nhistojet: ${message}`);
  process.exit(1);
}

/** Is there such a program on the PATH? */
export function hasProgram(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
}

/** Runs a program in the package root with its output shown; true when it exits with 0. */
export function succeeds(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  return result.status === 0;
}

/** The same, but a failure ends the script. */
export function run(program, args, options = {}) {
  if (!succeeds(program, args, options)) fail(`failed: ${program} ${args.join(' ')}`);
}

/** A program that npm installed. */
export function runInstalled(name, args, options = {}) {
  run(join(root, 'node_modules', '.bin', name), args, options);
}
