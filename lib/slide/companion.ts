import { HistojetError } from '../errors.js';

/** Micrometres per level-0 pixel as the file beside a slide says. */
export interface CompanionMpp {
  readonly x: number;
  readonly y: number;
}

const suffix = '.histojet.json';
const largestBytes = 65536;

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

/** `{ "mpp": 0.25 }` or `{ "mpp": { "x": 0.25, "y": 0.26 } }`; undefined for anything else. */
function parse(text: string): CompanionMpp | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof document !== 'object' || document === null || !('mpp' in document)) return undefined;
  const { mpp } = document;
  if (isPositive(mpp)) return { x: mpp, y: mpp };
  if (typeof mpp !== 'object' || mpp === null || !('x' in mpp) || !('y' in mpp)) return undefined;
  return isPositive(mpp.x) && isPositive(mpp.y) ? { x: mpp.x, y: mpp.y } : undefined;
}

/**
 * What `<slide>.histojet.json` says, for slides whose own entry is missing or wrong; undefined without such a file.
 *
 * @throws HistojetError HISTOJET_CORRUPT_FILE when the file is there and says something else
 */
export async function readCompanion(slidePath: string): Promise<CompanionMpp | undefined> {
  const path = `${slidePath}${suffix}`;
  const { readFile } = await import('node:fs/promises'); // importing the library stays quick
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch {
    return undefined; // not there, or not for us: the slide itself decides
  }
  const mpp = bytes.length <= largestBytes ? parse(bytes.toString('utf8')) : undefined;
  if (mpp === undefined) {
    throw new HistojetError(
      'HISTOJET_CORRUPT_FILE',
      `${path}: expected { "mpp": number } or { "mpp": { "x": number, "y": number } } in micrometres per pixel`,
    );
  }
  return mpp;
}
