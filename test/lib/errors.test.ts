import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fromNative } from '../../lib/errors.js';
import { errorCodes, HistojetError, systemInfo, version } from '../../lib/index.js';
import { native } from '../../lib/native.js';
import { root } from './support.js';

test('both languages have the same list of codes', () => {
  expect(native.errorCodes()).toEqual([...errorCodes]);
  const source = readFileSync(join(root, 'native/base/error.cpp'), 'utf8');
  expect([...source.matchAll(/return "(HISTOJET_\w+)"/g)].map((match) => match[1])).toEqual([
    ...errorCodes,
    'HISTOJET_INTERNAL', // after the switch
  ]);
});

test('native errors become HistojetErrors with a cause', () => {
  let caught: unknown;
  try {
    native.weightsEntry({} as never, 'x');
  } catch (error) {
    caught = error;
  }
  expect(caught).toMatchObject({ code: 'HISTOJET_INVALID_ARGUMENT', message: 'expected a weights file' });
  const wrapped = fromNative(caught);
  expect(wrapped).toBeInstanceOf(HistojetError);
  expect(wrapped).toMatchObject({ name: 'HistojetError', code: 'HISTOJET_INVALID_ARGUMENT', cause: caught });
  const foreign = new Error('mine');
  expect(fromNative(foreign)).toBe(foreign);
  expect(fromNative(undefined)).toBeUndefined();
});

test('a handle of another kind is refused, not followed', () => {
  const source = native.cancelSource();
  expect(() => native.slideInfo(source as never)).toThrow('expected a slide');
  expect(() => native.nucleiArray(source as never, 'areas')).toThrow('expected a list of nuclei');
  expect(() => native.cancel(native.nucleiConcat([]) as never)).toThrow('expected a cancel source');
  expect(() => native.tensorClose(5 as never)).toThrow('expected a tensor');
});

test('the version is that of the package', () => {
  const { version: packaged } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(version).toBe(packaged);
  expect(systemInfo()).toMatchObject({
    version: packaged,
    node: process.version,
    addonPath: expect.stringMatching(/histojet.*\.node$/),
    isa: expect.stringMatching(/^(scalar|avx2|avx512|avx512bf16|amx)$/),
    threads: expect.any(Number),
  });
});
