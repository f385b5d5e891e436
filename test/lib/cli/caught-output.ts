import { main } from '../../../lib/cli/main.js';

/** What a command printed, and its exit code. */
export interface Caught {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command in this process.
 *
 * @param onStderr - gets each piece that goes to stderr, when it does
 */
export async function caughtOutput(
  args: readonly string[],
  onStderr: (piece: string) => void = () => {},
): Promise<Caught> {
  const text = { stdout: '', stderr: '' };
  const exitCode = await main(args, {
    stdout: { write: (piece) => (text.stdout += piece) },
    stderr: {
      write: (piece) => {
        text.stderr += piece;
        onStderr(piece);
      },
    },
  });
  return { exitCode, ...text };
}
