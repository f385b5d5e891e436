import { describe, expect, it } from 'vitest';
import { ProgressDisplay, progressLine, progressMode } from '../../../lib/cli/progress-display.js';

const half = { stage: 'segment', done: 617, total: 1234, rate: 12.34, etaSeconds: 50, rssBytes: 320 * 2 ** 20 };

class Sink {
  text = '';
  columns = 120;
  write(text: string): void {
    this.text += text;
  }
}

function display(mode: 'bar' | 'json' | 'none') {
  const sink = new Sink();
  const clock = { now: 0 };
  return { sink, clock, shown: new ProgressDisplay(mode, sink, () => clock.now) };
}

describe('progressMode', () => {
  it('is a bar on a terminal and nothing elsewhere, unless asked', () => {
    expect(progressMode(undefined, { write: () => {}, isTTY: true })).toBe('bar');
    expect(progressMode(undefined, { write: () => {} })).toBe('none');
    expect(progressMode('json', { write: () => {}, isTTY: true })).toBe('json');
  });
});

describe('progressLine', () => {
  it('says how far, how fast and how long', () => {
    expect(progressLine(half, 'windows', 120)).toBe(
      'segment    [############------------]  50 %  617/1,234 windows  12.3/s  0:50 left  320.0 MB',
    );
  });

  it('fits into the terminal and bears an unknown total', () => {
    expect(progressLine(half, 'windows', 40)).toHaveLength(39);
    const start = { ...half, done: 0, total: 0, rate: 0, etaSeconds: Number.POSITIVE_INFINITY };
    expect(progressLine(start, 'windows', 120)).toContain('0/? windows  0.0/s  -:-- left');
  });
});

describe('ProgressDisplay', () => {
  it('updates at most ten times a second, and at the end', () => {
    const { sink, clock, shown } = display('json');
    for (clock.now = 0; clock.now < 1000; clock.now += 10) shown.update(half, 'windows');
    expect(sink.text.trim().split('\n')).toHaveLength(10);
    shown.update({ ...half, done: half.total }, 'windows');
    expect(sink.text.trim().split('\n')).toHaveLength(11);
  });

  it('writes one JSON object per line', () => {
    const { sink, shown } = display('json');
    shown.update({ ...half, etaSeconds: Number.POSITIVE_INFINITY }, 'windows');
    shown.warn('tile 3 is damaged');
    shown.result('done', { nuclei: 5 });
    const lines = sink.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([{ ...half, etaSeconds: null }, { warning: 'tile 3 is damaged' }, { result: { nuclei: 5 } }]);
  });

  it('ends the bar before other text', () => {
    const { sink, shown } = display('bar');
    shown.update(half, 'windows');
    shown.warn('tile 3 is damaged');
    shown.result('5 nuclei', {});
    expect(sink.text.startsWith('\r\u001b[Ksegment')).toBe(true);
    expect(sink.text.split('\n').slice(1)).toEqual(['histojet: tile 3 is damaged', '5 nuclei', '']);
  });

  it('shows warnings only when it is quiet', () => {
    const { sink, shown } = display('none');
    shown.update(half, 'windows');
    shown.result('5 nuclei', {});
    expect(sink.text).toBe('');
    shown.warn('careful');
    expect(sink.text).toBe('histojet: careful\n');
  });
});
