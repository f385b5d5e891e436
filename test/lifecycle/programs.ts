import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The tiny network of test/fixtures. */
export const weights = fileURLToPath(new URL('../fixtures/hover/hoverfast_small_b.safetensors', import.meta.url));

export interface Outcome {
  /** Exit status; null when a signal ended the program, which is what a crash looks like. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly seconds: number;
}

/**
 * Runs a CommonJS program that finds the addon as `native` and files as `slide` and `weights`, in a process of its own,
 * so that a crash ends that process and not the tests.
 */
export async function runProgram(
  source: string,
  files: { readonly slide?: string; readonly weights?: string } = {},
  nodeOptions: readonly string[] = [],
): Promise<Outcome> {
  const prelude = `const native = require('node-gyp-build')(${JSON.stringify(root)});
const slide = ${JSON.stringify(files.slide ?? '')}, weights = ${JSON.stringify(files.weights ?? '')};\n`;
  const started = performance.now();
  const child = spawn(process.execPath, [...nodeOptions, '-e', prelude + source], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (piece: Buffer) => {
    output += piece;
  });
  child.stderr.on('data', (piece: Buffer) => {
    output += piece;
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal, output, seconds: (performance.now() - started) / 1000 });
    });
  });
}
