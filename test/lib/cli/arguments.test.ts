import { describe, expect, it } from 'vitest';
import { OptionReader, splitArguments } from '../../../lib/cli/arguments.js';
import { UsageError } from '../../../lib/cli/exit-codes.js';

const table = { n: { type: 'string' }, region: { type: 'string' }, quick: { type: 'boolean' } } as const;

function reader(...args: string[]): OptionReader {
  return new OptionReader(splitArguments('test', args, table));
}

describe('splitArguments', () => {
  it('refuses unknown options in one sentence and says where the known ones stand', () => {
    const attempt = (): unknown => splitArguments('nuclei', ['--bogus'], table);
    expect(attempt).toThrow(UsageError);
    try {
      attempt();
    } catch (error) {
      expect((error as UsageError).message).toBe("Unknown option '--bogus'");
      expect((error as UsageError).hint).toContain('histojet help nuclei');
    }
  });

  it('refuses an option without its value', () => {
    expect(() => splitArguments('test', ['--n'], table)).toThrow(UsageError);
  });
});

describe('OptionReader', () => {
  it('reads numbers within their range', () => {
    expect(reader('--n', '0.25').number('n')).toBe(0.25);
    expect(reader().number('n')).toBeUndefined();
    expect(() => reader('--n', '0').number('n', { above: true })).toThrow('--n: expected a number above 0; got 0');
    expect(() => reader('--n=-1').number('n')).toThrow('from 0');
    for (const bad of ['x', '1e999', ' ', '1,5']) expect(() => reader(`--n=${bad}`).number('n')).toThrow(UsageError);
  });

  it('reads whole numbers within their range', () => {
    expect(reader('--n', '256').integer('n', 256, 4096)).toBe(256);
    for (const bad of ['255', '4097', '300.5', 'NaN']) {
      expect(() => reader('--n', bad).integer('n', 256, 4096)).toThrow('whole number from 256 to 4096');
    }
  });

  it('reads rectangles', () => {
    expect(reader('--region=-5,0,10,20').rect('region')).toEqual({ x: -5, y: 0, width: 10, height: 20 });
    for (const bad of ['1,2,3', '1,2,3,4,5', '1,2,0,4', '1,2,3,x', '1,,3,4', '1.5,2,3,4']) {
      expect(() => reader(`--region=${bad}`).rect('region')).toThrow('x,y,width,height');
    }
  });

  it('reads words and names the known ones', () => {
    expect(reader('--n', 'bar').word('n', ['bar', 'json'])).toBe('bar');
    expect(() => reader('--n', 'pie').word('n', ['bar', 'json'])).toThrow('--n: expected bar, json; got pie');
  });

  it('wants exactly one positional argument where there is one', () => {
    expect(reader('a.svs').onlyPositional('info', 'SLIDE')).toBe('a.svs');
    expect(() => reader().onlyPositional('info', 'SLIDE')).toThrow('SLIDE is missing');
    expect(() => reader('a', 'b').onlyPositional('info', 'SLIDE')).toThrow('expected one SLIDE, got 2: b');
    expect(reader('a.svs').optionalPositional('doctor', 'SLIDE')).toBe('a.svs');
    expect(reader().optionalPositional('doctor', 'SLIDE')).toBeUndefined();
    expect(() => reader('a', 'b').optionalPositional('doctor', 'SLIDE')).toThrow('expected one SLIDE');
    expect(() => reader('a').noPositional('doctor')).toThrow('takes no a');
    expect(() => reader().noPositional('doctor')).not.toThrow();
  });
});
