// Selective scans, Mamba blocks, token merging and whole pictures through a Pixel-Mamba.
import { blockRows } from '../scan/blocks.mjs';
import { mergingRows } from '../scan/merging.mjs';
import { pictureRows } from '../scan/pictures.mjs';
import { scanRows } from '../scan/scans.mjs';

/** By the `kind` of the rows. */
const parts = { scan: scanRows, block: blockRows, merging: mergingRows, picture: pictureRows };

/** The parts that `--part` takes. */
export const partNames = Object.keys(parts);

/** All rows of this group, or those of one part. */
export async function run({ rounds, part }) {
  const rows = [];
  for (const [name, rowsOf] of Object.entries(parts)) {
    if (part !== undefined && name !== part) continue;
    console.error(`  ${name}`);
    rows.push(...(await rowsOf({ rounds })));
  }
  return rows;
}
