import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const addon = join(fileURLToPath(new URL('../..', import.meta.url)), 'build', 'Release', 'histojet.node');

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Compares versions as numbers: 2.9 comes before 2.28. */
function newest(versions: readonly string[]): string | undefined {
  return versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

describe.runIf(existsSync(addon))('the built addon', () => {
  test('exports its two entry points and nothing else', () => {
    const symbols = run('nm', '-D', '--defined-only', addon).trim().split('\n');
    expect(symbols.map((line) => line.split(' ')[2]?.split('@')[0]).sort()).toEqual([
      'napi_register_module_v1',
      'node_api_module_get_api_version_v1',
    ]);
  });

  test('asks nothing of Node but N-API', () => {
    const report = execFileSync('sh', ['-c', `ldd -r '${addon}' 2>&1`], { encoding: 'utf8' });
    const undefinedSymbols = [...report.matchAll(/undefined symbol: (\S+)/g)].map((match) => match[1] as string);
    expect(undefinedSymbols.length).toBeGreaterThan(10);
    expect(undefinedSymbols.filter((name) => !/^(napi_|node_api_)/.test(name))).toEqual([]);
  });

  test('runs with glibc 2.28 and no C++ library', () => {
    const table = run('objdump', '-T', addon);
    const versions = [...table.matchAll(/\bGLIBC_([0-9.]+)/g)].map((match) => match[1] as string);
    const limit = newest([...versions, '2.28']);
    const beyond = table.split('\n').filter((line) => line.includes(`GLIBC_${limit})`) && limit !== '2.28');
    expect(beyond).toEqual([]);
    expect(table).not.toMatch(/GLIBCXX|CXXABI/);
    const needed = [...run('objdump', '-p', addon).matchAll(/NEEDED\s+(\S+)/g)].map((match) => match[1] as string);
    const known = ['libc.so.6', 'libm.so.6', 'libgcc_s.so.1', 'ld-linux-x86-64.so.2', 'libdl.so.2', 'libpthread.so.0'];
    expect(needed.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('stays mapped and binds at load', () => {
    const flags = run('readelf', '-d', addon);
    expect(flags).toMatch(/FLAGS_1.*NODELETE/);
    expect(flags).toMatch(/FLAGS_1.*NOW/);
  });
});
