import { expect, test } from 'vitest';
import { type SourceFile, sources } from './sources.js';

const longestFile = 500;
const native = sources('native', ['.hpp', '.cpp', '.c', '.cu']);
const typescript = sources('lib', ['.ts', '.cts']);
const tests = sources('test', ['.ts', '.cpp', '.hpp']);

function paths(files: readonly SourceFile[], wrong: (file: SourceFile) => boolean): string[] {
  return files.filter(wrong).map(({ path }) => path);
}

test('files stay short', () => {
  expect(paths([...native, ...typescript, ...tests], ({ text }) => text.split('\n').length > longestFile)).toEqual([]);
});

test('files are named as the house names them', () => {
  expect(paths(native, ({ path }) => !/\/[a-z0-9_]+\.(hpp|cpp|c|cu)$/.test(path))).toEqual([]);
  expect(paths(typescript, ({ path }) => !/\/[a-z0-9-]+\.(ts|cts)$/.test(path))).toEqual([]);
});

test('headers guard themselves', () => {
  const headers = native.filter(({ path }) => path.endsWith('.hpp'));
  expect(paths(headers, ({ text }) => !text.includes('#pragma once'))).toEqual([]);
  expect(paths(headers, ({ text }) => /^using namespace/m.test(text))).toEqual([]);
});

test('nothing is left for later', () => {
  const marks = new RegExp(`\\b(${['TODO', 'FIXME', 'HACK', 'XXX'].join('|')})\\b`);
  const self = 'test/structure/files.test.ts';
  expect(paths([...native, ...typescript, ...tests], ({ path, text }) => path !== self && marks.test(text))).toEqual(
    [],
  );
});
