import { describe, expect, it } from 'vitest';
import { ClassCounter } from '../../../lib/cli/class-counter.js';
import { NucleusList } from '../../../lib/index.js';

const square = [0, 0, 4, 0, 4, 4, 0, 4];
const batch = (types: readonly number[]): NucleusList =>
  NucleusList.fromContours(
    types.map(() => square),
    { types },
  );
const color = [1, 2, 3] as const;

describe('ClassCounter', () => {
  it('counts by class over all batches', () => {
    const counter = new ClassCounter(['background', 'tumour', 'immune'].map((name) => ({ name, color })));
    expect(counter.text()).toBe('\n  tumour  0\n  immune  0');
    for (const types of [[1, 2, 1], [1], []]) counter.add(batch(types));
    expect(counter.known).toBe(true);
    expect(counter.counts()).toEqual({ tumour: 3, immune: 1 });
    counter.add(batch([0, ...new Array<number>(1234).fill(2)]));
    expect(counter.counts()).toEqual({ background: 1, tumour: 3, immune: 1235 });
    expect(counter.text()).toBe('\n  background  1\n  tumour      3\n  immune      1,235');
  });

  it('adds up classes of one name and takes any name', () => {
    const counter = new ClassCounter(['none', 'a', '__proto__', 'a'].map((name) => ({ name, color })));
    counter.add(batch([1, 2, 3, 3, 9]));
    expect(Object.entries(counter.counts())).toEqual([
      ['a', 3],
      ['__proto__', 1],
      ['Class 9', 1],
    ]);
  });

  it('says nothing about networks without classes', () => {
    const counter = new ClassCounter([]);
    counter.add(NucleusList.fromContours([square]));
    expect(counter.known).toBe(false);
    expect(counter.text()).toBe('');
  });
});
