import type { Terminal } from './terminal.js';

/** One verb of the command line: parses its arguments, works, and returns the exit code; failures are thrown. */
export type Command = (args: readonly string[], terminal: Terminal) => Promise<number>;
