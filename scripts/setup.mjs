// Brings a fresh clone to the point where the package runs: system packages, npm packages, native addon, TypeScript.
// Each part is skipped when it is up to date, so calling it again costs about a second.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, hasProgram, root, run, runInstalled, step, succeeds } from './process.mjs';

/** Debian packages by what needs them; `have` tells whether the thing is already there, whoever installed it. */
const buildPackages = [
  { name: 'g++', have: () => hasProgram('g++') },
  { name: 'cmake', have: () => hasProgram('cmake') },
  { name: 'ninja-build', have: () => hasProgram('ninja') || hasProgram('make') },
  { name: 'libjpeg62-turbo-dev', have: () => hasArchive('libjpeg.a') },
  { name: 'libdeflate-dev', have: () => hasArchive('libdeflate.a') },
  { name: 'libpng-dev', have: () => hasArchive('libpng.a') },
  { name: 'zlib1g-dev', have: () => hasArchive('libz.a') },
  { name: 'libopenjp2-7-dev', have: () => hasArchive('libopenjp2.a') },
  { name: 'libzstd-dev', have: () => hasArchive('libzstd.a') },
  { name: 'libwebp-dev', have: () => hasArchive('libwebp.a') },
  { name: 'libpugixml-dev', have: () => hasArchive('libpugixml.a') },
  { name: 'libsqlite3-dev', have: () => hasArchive('libsqlite3.a') },
  { name: 'libjxl-dev', have: () => existsSync('/usr/include/jxl/decode.h') },
];

const testPackages = [
  { name: 'libgtest-dev', have: () => existsSync('/usr/include/gtest/gtest.h') },
  { name: 'clang-format', have: () => hasProgram('clang-format') },
  { name: 'libopenslide0', have: () => hasArchive('libopenslide.so.0') || hasArchive('libopenslide.so.1') },
];

const fuzzPackages = [
  { name: 'clang', have: () => hasProgram('clang++') },
  { name: 'libclang-rt-14-dev', have: () => existsSync('/usr/share/doc/libclang-rt-14-dev') },
];

const benchPackages = [
  { name: 'libopenslide-dev', have: () => existsSync('/usr/include/openslide/openslide.h') },
  { name: 'libopenslide0', have: () => hasArchive('libopenslide.so.0') },
  { name: 'libvips-dev', have: () => hasArchive('libvips.so') },
  { name: 'libdnnl-dev', have: () => existsSync('/usr/include/oneapi/dnnl/dnnl.hpp') },
  { name: 'pkg-config', have: () => hasProgram('pkg-config') },
  { name: 'python3-torch', have: () => hasPythonModule('torch') },
  { name: 'python3-opencv', have: () => hasPythonModule('cv2') },
  { name: 'python3-skimage', have: () => hasPythonModule('skimage') },
  { name: 'python3-shapely', have: () => hasPythonModule('shapely') },
];

/** Does the system's own Python, which runs the rivals written in Python, find this module? */
function hasPythonModule(name) {
  return succeeds('/usr/bin/python3', ['-c', `import importlib.util as u; exit(u.find_spec("${name}") is None)`]);
}

function hasArchive(file) {
  return ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib'].some((folder) =>
    existsSync(join(folder, file)),
  );
}

/** Installs the packages that are missing with apt, or says what to install where that cannot be done. */
function ensureSystemPackages(packages) {
  const missing = packages.filter((entry) => !entry.have()).map((entry) => entry.name);
  if (missing.length === 0) return;
  const advice = `install these packages (names of Debian 12), then run the command again: ${missing.join(' ')}`;
  if (!hasProgram('apt-get')) fail(`this system has no apt-get; ${advice}`);
  const asRoot =
    process.getuid?.() === 0 ? [] : hasProgram('sudo') && succeeds('sudo', ['-n', 'true']) ? ['sudo', '-n'] : null;
  if (asRoot === null) fail(`no right to install packages (not root, no sudo without password); ${advice}`);
  step(`Installing system packages: ${missing.join(' ')}`);
  const apt = (...args) => {
    const [program, ...rest] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
    return succeeds(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  if (!apt('install', '-y', '--no-install-recommends', ...missing)) {
    apt('update');
    if (!apt('install', '-y', '--no-install-recommends', ...missing)) fail(`apt-get could not install them; ${advice}`);
  }
}

/** `npm ci`, unless node_modules was made from this very lock file. */
function ensureNpmPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.histojet-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  step('Installing npm packages');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}

function buildNative() {
  step('Building the native addon (the first time takes a few minutes)');
  const builder = hasProgram('ninja') ? ['-G', 'Ninja'] : [];
  // The folder may hold the native tests too; they are not wanted here.
  runInstalled('cmake-js', ['build', '--target', 'histojet', '--log-level', 'error', ...builder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function buildTypeScript() {
  step('Building the TypeScript API');
  runInstalled('tsc', []);
  run(process.execPath, [join(root, 'scripts', 'bundle.mjs')]);
}

/** Everything that the package itself needs; `tests`, `fuzz` and `bench` add what only those need. */
export function setUp({ tests = false, fuzz = false, bench = false } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`needs Node.js 20.19 or newer, this is ${process.versions.node}`);
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    fail(`runs on linux-x64, this is ${process.platform}-${process.arch}`);
  }
  ensureSystemPackages([
    ...buildPackages,
    ...(tests ? testPackages : []),
    ...(fuzz ? fuzzPackages : []),
    ...(bench ? benchPackages : []),
  ]);
  ensureNpmPackages();
  buildNative();
  buildTypeScript();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) setUp();
