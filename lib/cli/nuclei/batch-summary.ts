import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FileLock } from '../../internal/file-lock.js';
import { version } from '../../internal/system-info.js';
import { UsageError, writing } from '../exit-codes.js';
import { clock, grouped } from '../terminal.js';

/** How a slide of a batch ended. */
export type SlideStatus = 'done' | 'failed' | 'interrupted';

/** One slide of a batch, as `summary.json` holds it. */
export interface SlideEntry {
  /** The slide as it was named. */
  readonly slide: string;
  readonly status: SlideStatus;
  readonly files?: readonly string[];
  readonly nuclei?: number;
  readonly classes?: Readonly<Record<string, number>>;
  readonly windows?: number;
  /** Windows that an earlier run had finished. */
  readonly windowsRestored?: number;
  readonly seconds?: number;
  readonly warnings?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** What `summary.json` holds. */
export interface Summary {
  readonly software: 'histojet';
  readonly version: string;
  /** What shaped the results: one folder holds results of one kind. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** By the name of the results. */
  readonly slides: Readonly<Record<string, SlideEntry>>;
}

const jsonName = 'summary.json';
const waitStepMs = 50;
const longestWaitMs = 30_000;

/** A text as the cell of a table. */
function cell(text: string): string {
  return text.replaceAll(/[\\|]/g, '\\$&').replaceAll(/\s+/g, ' ');
}

function row(name: string, entry: SlideEntry): string {
  const { status, nuclei, seconds, error, warnings = [] } = entry;
  const remark = error?.message ?? warnings.join('; ');
  const cells = [
    name,
    status,
    nuclei === undefined ? '' : grouped(nuclei),
    seconds === undefined ? '' : clock(seconds),
  ];
  return `| ${[...cells, remark].map(cell).join(' | ')} |`;
}

/** The summary for people. */
export function summaryText({ version: made, settings, slides }: Summary): string {
  const entries = Object.entries(slides);
  const count = (status: SlideStatus): number => entries.filter(([, entry]) => entry.status === status).length;
  const nuclei = entries.reduce((sum, [, entry]) => sum + (entry.nuclei ?? 0), 0);
  const seconds = entries.reduce((sum, [, entry]) => sum + (entry.seconds ?? 0), 0);
  const failed = entries.filter(([, entry]) => entry.status === 'failed');
  const reasons = failed.map(
    ([name, { error }]) => `- **${cell(name)}**: ${error?.message ?? ''} ${error?.hint ?? ''}`,
  );
  const others = [`${count('failed')} failed`, `${count('interrupted')} interrupted`].filter(
    (text) => !text.startsWith('0'),
  );
  return [
    '# Nuclei',
    '',
    `${[`${count('done')} of ${entries.length} slides done`, ...others].join(', ')}. ` +
      `${grouped(nuclei)} nuclei in ${clock(seconds)}.`,
    '',
    '| slide | status | nuclei | time | remarks |',
    '| --- | --- | ---: | ---: | --- |',
    ...entries.map(([name, entry]) => row(name, entry)),
    '',
    ...(reasons.length > 0 ? ['## What failed', '', ...reasons.map((reason) => reason.trimEnd()), ''] : []),
    '## Settings',
    '',
    ...Object.entries(settings).map(([name, value]) => `- ${name}: ${cell(JSON.stringify(value))}`),
    '',
    `histojet ${made}`,
    '',
  ].join('\n');
}

async function readSummary(folder: string): Promise<Summary | undefined> {
  const path = join(folder, jsonName);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const { settings, slides } = JSON.parse(text) as Partial<Summary>;
    if (settings && slides) return { software: 'histojet', version, settings, slides };
  } catch {
    // told below
  }
  throw new UsageError(`${path} is not a summary of histojet`, 'choose another folder, or move that file away');
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text);
  await rename(`${path}.part`, path);
}

/** `summary.json` and `summary.md` of a folder of results, which several processes may share. */
export class BatchSummary {
  readonly #folder: string;
  readonly #settings: Summary['settings'];

  private constructor(folder: string, settings: Summary['settings']) {
    this.#folder = folder;
    this.#settings = settings;
  }

  /**
   * Looks at the summary that is there.
   *
   * @param resume - results of earlier runs are kept, so they must be of the same kind
   * @throws UsageError when they are not
   */
  static async open(folder: string, settings: Summary['settings'], resume: boolean): Promise<BatchSummary> {
    const plain = JSON.parse(JSON.stringify(settings)) as Summary['settings'];
    const known = await readSummary(folder);
    if (known !== undefined && resume) {
      const names = new Set([...Object.keys(known.settings), ...Object.keys(plain)]);
      const differing = [...names].filter(
        (name) => JSON.stringify(known.settings[name]) !== JSON.stringify(plain[name]),
      );
      if (differing.length > 0) {
        throw new UsageError(
          `${folder} holds results of other settings: ${differing.join(', ')}`,
          'run with the settings of its summary.json, without --resume, or into another folder',
        );
      }
    }
    return new BatchSummary(folder, plain);
  }

  /** Adds or replaces slides; entries of others stay. */
  async note(entries: Readonly<Record<string, SlideEntry>>): Promise<void> {
    await writing(async () => {
      const lock = await this.#lock();
      try {
        const known = await readSummary(this.#folder);
        const slides = Object.entries({ ...known?.slides, ...entries }).sort(([a], [b]) => (a < b ? -1 : 1));
        const summary: Summary = {
          software: 'histojet',
          version,
          settings: this.#settings,
          slides: Object.fromEntries(slides),
        };
        await replaceFile(join(this.#folder, jsonName), `${JSON.stringify(summary, null, 2)}\n`);
        await replaceFile(join(this.#folder, 'summary.md'), summaryText(summary));
      } finally {
        lock?.release();
      }
    });
  }

  /** Another process holds it for milliseconds; one that holds it for long has been stopped, and we go on without. */
  async #lock(): Promise<FileLock | null> {
    const path = join(this.#folder, '.summary.lock');
    for (let waited = 0; waited < longestWaitMs; waited += waitStepMs) {
      const lock = FileLock.take(path);
      if (lock !== null) return lock;
      await setTimeout(waitStepMs);
    }
    return null;
  }
}
