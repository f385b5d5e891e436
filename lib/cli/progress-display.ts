import type { Progress } from '../internal/progress.js';
import { clock, grouped, humanBytes, type TextSink } from './terminal.js';

/** How progress is shown. */
export type ProgressMode = 'bar' | 'json' | 'none';

/** All of them, for messages. */
export const progressModes: readonly ProgressMode[] = ['json', 'bar', 'none'];

const barWidth = 24;
const clearLine = '\r\u001b[K';
const shortestGapMs = 100;

/** A bar on a terminal, nothing elsewhere, unless the user asks for something. */
export function progressMode(asked: ProgressMode | undefined, stderr: TextSink): ProgressMode {
  return asked ?? (stderr.isTTY === true ? 'bar' : 'none');
}

/** One line that fits into `columns` characters. */
export function progressLine(progress: Progress, unit: string, columns: number): string {
  const { stage, done, total, rate, etaSeconds, rssBytes } = progress;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.floor(share * barWidth);
  const bar = '#'.repeat(filled) + '-'.repeat(barWidth - filled);
  const speed = rate >= 100 ? grouped(rate) : rate.toFixed(1);
  const parts = [
    `${stage.padEnd(10)} [${bar}] ${String(Math.floor(share * 100)).padStart(3)} %`,
    `${grouped(done)}/${total > 0 ? grouped(total) : '?'} ${unit}`,
    `${speed}/s`,
    `${clock(etaSeconds)} left`,
    humanBytes(rssBytes),
  ];
  return parts.join('  ').slice(0, Math.max(20, columns - 1));
}

/** Shows progress, warnings and results of one command on stderr, at most ten updates a second. */
export class ProgressDisplay {
  readonly #mode: ProgressMode;
  readonly #sink: TextSink;
  #shown = false;
  #lastUpdate = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;

  constructor(mode: ProgressMode, sink: TextSink, now: () => number = () => performance.now()) {
    this.#mode = mode;
    this.#sink = sink;
    this.#now = now;
  }

  /** Shows how far it has come; `unit` says what is counted. */
  update(progress: Progress, unit: string): void {
    if (this.#mode === 'none') return;
    const now = this.#now();
    const finished = progress.total > 0 && progress.done >= progress.total;
    if (!finished && now - this.#lastUpdate < shortestGapMs) return;
    this.#lastUpdate = now;
    if (this.#mode === 'json') {
      this.#sink.write(`${JSON.stringify(progress)}\n`); // an unknown rest (Infinity) becomes null
      return;
    }
    this.#sink.write(clearLine + progressLine(progress, unit, this.#sink.columns ?? 80));
    this.#shown = true;
  }

  /** Ends the bar's line, so that text can follow. */
  endLine(): void {
    if (this.#shown) this.#sink.write('\n');
    this.#shown = false;
    this.#lastUpdate = Number.NEGATIVE_INFINITY;
  }

  /** Something that the user should know although it did not stop the run. */
  warn(message: string): void {
    this.endLine();
    this.#sink.write(this.#mode === 'json' ? `${JSON.stringify({ warning: message })}\n` : `histojet: ${message}\n`);
  }

  /** What is going on: a line on a terminal, an object in the stream, silence otherwise. */
  note(message: string): void {
    if (this.#mode === 'none') return;
    this.endLine();
    this.#sink.write(this.#mode === 'json' ? `${JSON.stringify({ note: message })}\n` : `${message}\n`);
  }

  /** What came out: a sentence on a terminal, an object in the stream, silence otherwise. */
  result(sentence: string, members: Readonly<Record<string, unknown>>): void {
    this.endLine();
    if (this.#mode === 'json') this.#sink.write(`${JSON.stringify({ result: members })}\n`);
    if (this.#mode === 'bar') this.#sink.write(`${sentence}\n`);
  }
}
