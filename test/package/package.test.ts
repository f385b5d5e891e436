import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const addon = join(root, 'build', 'Release', 'histojet.node');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): string {
  const merged = { ...process.env, ...env };
  return execFileSync(program, args, { cwd, env: merged, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** In one go: npm takes longer to start than to pack. */
function pack(folders: readonly string[], destination: string): readonly Packed[] {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', destination, ...folders];
  return JSON.parse(run('npm', args, destination)) as Packed[];
}

/** Whether `dist` is what the compiler and scripts/bundle.mjs make of the sources as they are. */
function isCompiled(): boolean {
  const library = join(root, 'dist', 'library.js');
  if (!existsSync(library) || existsSync(join(root, 'dist', 'native.js'))) return false; // native.js: not joined
  const made = statSync(library).mtimeMs;
  const sources = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' });
  const all = [...sources.map((name) => join('lib', name)), 'tsconfig.json', join('scripts', 'bundle.mjs')];
  return all.every((name) => statSync(join(root, name)).mtimeMs < made);
}

describe.runIf(existsSync(addon))('the packed package', () => {
  const work = mkdtempSync(join(tmpdir(), 'histojet-pack-'));
  const staging = join(work, 'staging');
  const app = join(work, 'app');
  let packed: Packed;

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  beforeAll(() => {
    // A copy, because packing needs a prebuild, and tests leave the working tree alone.
    mkdirSync(join(staging, 'prebuilds', 'linux-x64'), { recursive: true });
    for (const name of ['package.json', 'bin', 'weights', 'native', 'CMakeLists.txt', 'README.md', 'LICENSE']) {
      if (existsSync(join(root, name))) cpSync(join(root, name), join(staging, name), { recursive: true });
    }
    const dist = join(staging, 'dist');
    if (isCompiled()) cpSync(join(root, 'dist'), dist, { recursive: true });
    else {
      run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--outDir', dist], root);
      run(process.execPath, [join(root, 'scripts/bundle.mjs'), dist], root);
    }
    const prebuild = join(staging, 'prebuilds', 'linux-x64', 'histojet.glibc.node');
    copyFileSync(addon, prebuild);
    run('strip', ['--strip-unneeded', prebuild], staging);
    const globbing = ['tinyglobby', 'fdir', 'picomatch'];
    const parts = ['node-gyp-build', 'node-addon-api', 'lcms-wasm', 'hyparquet', 'hyparquet-writer', ...globbing];
    const folders = [staging, ...parts.map((name) => join(root, 'node_modules', name))];
    const tarballs = pack(folders, work);
    packed = tarballs[0] as Packed;
    mkdirSync(app);
    writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', version: '1.0.0', private: true }));
    const paths = tarballs.map(({ filename }) => join(work, filename));
    run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...paths], app, {
      PATH: process.env.PATH ?? '',
    });
  }, 300_000);

  test('holds what users need and nothing else', () => {
    const names = packed.files.map(({ path }) => path);
    for (const needed of [
      'package.json',
      'dist/index.js',
      'dist/index.cjs',
      'dist/index.d.ts',
      'dist/index.d.cts',
      'prebuilds/linux-x64/histojet.glibc.node',
      'native/binding/addon.cpp',
      'CMakeLists.txt',
      'LICENSE',
      'README.md',
    ]) {
      expect(names).toContain(needed);
    }
    const allowed =
      /^(bin|dist|prebuilds|weights|native|docs)\/|^(CMakeLists\.txt|LICENSE|NOTICE|README\.md|CHANGELOG\.md|package\.json)$/;
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
    expect(packed.size).toBeLessThan(15e6);
    expect(names).not.toContain('binding.gyp');
  });

  test('has no install script and no binding.gyp', () => {
    for (const script of ['preinstall', 'install', 'postinstall', 'prebuild', 'prepare']) {
      expect(manifest.scripts).not.toHaveProperty(script);
    }
    expect(existsSync(join(root, 'binding.gyp'))).toBe(false);
    expect(Object.keys(manifest.dependencies).sort()).toEqual([
      'hyparquet-writer',
      'lcms-wasm',
      'node-addon-api',
      'node-gyp-build',
      'tinyglobby',
    ]);
  });

  const use = `const tensor = Tensor.from(new Float32Array([1, 2, 3]), [3]);
    tensor.data().then((values) => console.log(version, systemInfo().addonPath, [...values].join()));`;

  test('is imported by ES modules', () => {
    writeFileSync(join(app, 'use.mjs'), `import { systemInfo, Tensor, version } from 'histojet';\n${use}`);
    const output = run(process.execPath, ['use.mjs'], app);
    expect(output).toContain(`${manifest.version} ${join(app, 'node_modules/histojet/prebuilds/linux-x64')}`);
    expect(output).toContain('1,2,3');
  });

  test('is required by CommonJS, with the same classes', () => {
    writeFileSync(
      join(app, 'use.cjs'),
      `const { HistojetError, systemInfo, Tensor, version } = require('histojet');\n${use}
      import('histojet').then((esm) => console.log('same', esm.HistojetError === HistojetError));`,
    );
    const output = run(process.execPath, ['--no-warnings', 'use.cjs'], app);
    expect(output).toContain('1,2,3');
    expect(output).toContain('same true');
  });

  test.each([
    ['mjs', "import { createWriter, NucleusList } from 'histojet';"],
    ['cjs', "const { createWriter, NucleusList } = require('histojet');"],
  ])('finds the thread that writes Parquet (%s)', (extension, lines) => {
    const path = join(app, `${extension}.parquet`);
    writeFileSync(
      join(app, `parquet.${extension}`),
      `${lines}
      (async () => {
        const writer = await createWriter(${JSON.stringify(path)});
        await writer.write(NucleusList.fromContours([[0, 0, 9, 0, 9, 9]]));
        await writer.close();
        console.log('count', writer.count);
      })();`,
    );
    expect(run(process.execPath, ['--no-warnings', `parquet.${extension}`], app)).toContain('count 1');
    const bytes = readFileSync(path, 'latin1');
    expect([bytes.slice(0, 4), bytes.slice(-4)]).toEqual(['PAR1', 'PAR1']);
  });

  test('explains itself when the addon is missing', () => {
    const prebuilds = join(app, 'node_modules/histojet/prebuilds');
    cpSync(prebuilds, join(work, 'saved'), { recursive: true });
    rmSync(prebuilds, { recursive: true });
    try {
      const program = `import('histojet').catch((error) => console.log(error.message))`;
      const output = run(process.execPath, ['-e', program], app);
      expect(output).toContain('cannot load its native addon for linux-x64');
      expect(output).toContain('prebuilds (found: none)');
      expect(output).toContain('npx cmake-js@8 build -d');
    } finally {
      cpSync(join(work, 'saved'), prebuilds, { recursive: true });
    }
  });

  test('runs as a program', () => {
    expect(
      run(process.execPath, [join(app, 'node_modules/histojet', manifest.bin.histojet), '--version'], app),
    ).toContain(manifest.version);
  });
});
