import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { root, type SourceFile, sources } from './sources.js';

/** Which folders of native/ a folder may include; each brings its own along. `base` may be included everywhere. */
const floors: Readonly<Record<string, readonly string[]>> = {
  base: [],
  tensor: ['base'],
  codecs: ['base'],
  kernels: ['base'],
  weights: ['tensor', 'base'],
  slide: ['codecs', 'base'],
  scan: ['tensor', 'kernels'],
  merging: ['tensor', 'kernels'],
  engine: ['tensor', 'weights', 'kernels'],
  tiles: ['slide', 'tensor', 'kernels'],
  layers: ['engine', 'weights', 'tensor'],
  tokens: ['scan', 'merging', 'engine', 'kernels', 'weights', 'tensor'],
  models: ['layers', 'tokens', 'weights', 'tensor'],
  explain: ['models', 'tokens', 'engine', 'kernels', 'tensor'],
  nuclei: ['tensor', 'kernels'],
  writers: ['nuclei', 'tensor', 'slide', 'codecs'],
  readers: ['nuclei', 'codecs'],
  pipeline: ['readers', 'writers', 'explain', 'models', 'tiles', 'nuclei', 'slide', 'weights', 'tensor'],
  api: ['histojet', 'pipeline'],
  histojet: ['pipeline'], // native/include/histojet
  binding: ['histojet'],
};

/** What a floor may never include, although a neighbour brings it along. */
const forbidden: Readonly<Record<string, readonly string[]>> = { models: ['kernels'] };

function allowed(folder: string): Set<string> {
  const all = new Set([folder]);
  const visit = (name: string): void => {
    for (const below of floors[name] ?? []) {
      all.add(below);
      visit(below);
    }
  };
  visit(folder);
  if (folder === 'binding') return new Set(['binding', 'histojet']);
  for (const name of forbidden[folder] ?? []) all.delete(name);
  return all;
}

const files = sources('native', ['.hpp', '.cpp', '.h', '.c']);

function floorOf({ path }: SourceFile): string {
  const [, folder = '', sub = ''] = path.split('/');
  return folder === 'include' ? sub : folder;
}

function quotedIncludes({ text }: SourceFile): string[] {
  return [...text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].map((match) => match[1] as string);
}

test('every folder of native/ has its floor', () => {
  const folders = readdirSync(join(root, 'native')).filter((name) => !['cmake', 'include'].includes(name));
  expect(folders.filter((name) => !(name in floors))).toEqual([]);
});

test('includes only go to the floors below', () => {
  const wrong = files.flatMap((file) => {
    const may = allowed(floorOf(file));
    return quotedIncludes(file)
      .filter((include) => !may.has(include.split('/')[0] as string))
      .map((include) => `${file.path} includes ${include}`);
  });
  expect(wrong).toEqual([]);
});

test('includes are written from native/ and exist', () => {
  const missing = files.flatMap((file) =>
    quotedIncludes(file)
      .filter((include) => !['native', 'native/include'].some((base) => existsSync(join(root, base, include))))
      .map((include) => `${file.path} includes ${include}`),
  );
  expect(missing).toEqual([]);
});

test('no header includes itself in a circle', () => {
  const graph = new Map(
    files.map((file) => [file.path.replace(/^native\/(include\/)?/, ''), quotedIncludes(file)] as const),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) circles.push([...path.slice(path.indexOf(name)), name].join(' → '));
    if (done.has(name) || path.includes(name)) return;
    for (const next of graph.get(name) ?? []) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of graph.keys()) visit(name, []);
  expect(circles).toEqual([]);
});

test('napi.h is included in one place', () => {
  const places = files.filter(({ text }) => /#\s*include\s*<(napi|node_api)\.h>/.test(text)).map(({ path }) => path);
  expect(places).toEqual(['native/binding/napi.hpp']);
});

test('variants for one instruction set are included only from their own folder', () => {
  const wrong = files.flatMap((file) =>
    quotedIncludes(file)
      .filter((include) => /_(avx2|avx512|avx512bf16|amx|scalar)\./.test(include))
      .filter((include) => dirname(`native/${include}`) !== dirname(file.path))
      .map((include) => `${file.path} includes ${include}`),
  );
  expect(wrong).toEqual([]);
});
