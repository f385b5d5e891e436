// Native programs of the benchmark: our own (built with CMake) and small rivals (one source file each).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const outFolder = join(root, 'out', 'bench');

function succeeds(program, args) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  // ninja tells of errors on its ordinary output.
  const said = result.error ? String(result.error) : result.stderr.trim() || result.stdout.trim();
  return { ok: result.status === 0, message: said.split('\n').slice(-5).join('\n') };
}

/** Builds one of bench/native and gives its path. */
export function buildOwn(name) {
  mkdirSync(outFolder, { recursive: true });
  const ninja = spawnSync('ninja', ['--version']).status === 0 ? ['-G', 'Ninja'] : [];
  const configured = succeeds('cmake', ['-S', root, '-B', outFolder, ...ninja, '-DHISTOJET_BENCH=ON']);
  if (!configured.ok) throw new Error(`cmake failed: ${configured.message}`);
  const built = succeeds('cmake', ['--build', outFolder, '--target', name, '--parallel', '2']);
  if (!built.ok) throw new Error(`building ${name} failed: ${built.message}`);
  return join(outFolder, name);
}

/**
 * Compiles bench/peers/NAME.cpp unless that was done before.
 *
 * @param options - `pkgConfig`: a package whose compiler and linker flags are asked for
 * @returns the program's path, or `{ missing }` with the reason
 */
export function buildPeer(name, libraries = [], { pkgConfig } = {}) {
  const source = join(root, 'bench', 'peers', `${name}.cpp`);
  const program = join(outFolder, 'peers', name);
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(dirname(program), { recursive: true });
  const asked = pkgConfig && spawnSync('pkg-config', ['--cflags', '--libs', pkgConfig], { encoding: 'utf8' });
  if (asked && asked.status !== 0) return { missing: `pkg-config does not know ${pkgConfig}` };
  const flags = [...(asked?.stdout.trim().split(/\s+/) ?? []), ...libraries.map((lib) => `-l${lib}`)];
  const built = succeeds('g++', ['-std=c++20', '-O2', source, '-o', program, ...flags]);
  return built.ok ? program : { missing: built.message.split('\n').at(-1) };
}

/** Runs a program that prints JSON lines and ends. */
export function runJsonLines(program, args, env = {}) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  });
  if (result.status !== 0) throw new Error(`${program} failed: ${result.stderr}`);
  return result.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/** A rival that stays alive between rounds: one line of request, one line of JSON as answer. */
export class PeerProcess {
  #child;
  #answers;

  constructor(program, args, env = {}) {
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ask(request) {
    this.#child.stdin.write(`${request}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`the peer ended at the request '${request}'`);
    return JSON.parse(value);
  }

  close() {
    this.#child.stdin.end();
  }
}
