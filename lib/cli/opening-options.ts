import type { OptionReader } from './arguments.js';

/** How a command opens its slide. */
export interface OpeningOptions {
  readonly tolerant: boolean;
  readonly openslide: string;
}

/** Which OpenSlide may read what histojet does not; for the table of every command that opens a slide. */
export const openslideOption = { openslide: { type: 'string' } } as const;

/** For the table of a command that opens a slide and has `--tolerant`. */
export const openingTable = { tolerant: { type: 'boolean' }, ...openslideOption } as const;

/** Reads both options; one that the command's table lacks has its default. @throws UsageError */
export function openingOptions(options: OptionReader): OpeningOptions {
  return { tolerant: options.flag('tolerant'), openslide: options.text('openslide') ?? 'auto' };
}
