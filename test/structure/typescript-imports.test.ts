import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { type SourceFile, sources } from './sources.js';

/** A folder of lib/ imports only itself and earlier ones; files of one rank may import each other. */
const ranks: readonly (readonly string[])[] = [
  ['errors', 'native', 'internal'],
  ['tensor'],
  ['weights'],
  ['slide'],
  ['merging', 'scan'],
  ['nuclei'],
  ['explain'],
  ['writers'],
  ['pipeline'],
  ['models'],
  ['index'],
  ['cli', 'viewer'],
];

const files = sources('lib', ['.ts', '.cts']);

/** `slide` for lib/slide/tiles.ts, `errors` for lib/errors.ts. */
function partOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.c?[jt]s$/, '');
}

function rankOf(path: string): number {
  return ranks.findIndex((rank) => rank.includes(partOf(path)));
}

function imports({ path, text }: SourceFile): string[] {
  const specifiers = [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) => match[1] as string);
  return specifiers.map((specifier) => posix.join(posix.dirname(path), specifier));
}

test('every part of lib/ has its rank', () => {
  expect(files.filter(({ path }) => rankOf(path) < 0).map(({ path }) => path)).toEqual([]);
});

test('imports only go to earlier parts', () => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .filter((target) => rankOf(target) > rankOf(file.path))
      .map((target) => `${file.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('one file loads the addon', () => {
  const loaders = files.filter(({ text }) => text.includes('node-gyp-build')).map(({ path }) => path);
  expect(loaders).toEqual(['lib/native.ts']);
});

test('files import modules, not folders, and leave the dist tree alone', () => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .filter((target) => !/\.(js|cjs)$/.test(target) || !target.startsWith('lib/'))
      .map((target) => `${file.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('nothing of the index is a default export', () => {
  expect(files.filter(({ text }) => /^export default/m.test(text)).map(({ path }) => path)).toEqual([]);
});
