// Nuclei: post-processing beside the references' procedure, files beside JSON and zlib, whole slides beside the sum of
// their stages, memory.
import { Calibration } from '../calibration.mjs';
import { fileRows } from '../nuclei/files.mjs';
import { memoryRows } from '../nuclei/memory.mjs';
import { postprocessRows } from '../nuclei/postprocess.mjs';
import { wholeSlideRows } from '../nuclei/whole-slide.mjs';

async function slideRows({ histojet, rounds }) {
  const calibration = new Calibration();
  try {
    return await wholeSlideRows({ histojet, rounds, calibration });
  } finally {
    calibration.close();
  }
}

/** By the `kind` of the rows. */
const parts = { postprocess: postprocessRows, files: fileRows, slide: slideRows, memory: memoryRows };

/** The parts that `--part` takes. */
export const partNames = Object.keys(parts);

/** All rows of this group, or those of one part. */
export async function run({ histojet, rounds, part }) {
  const rows = [];
  for (const [name, rowsOf] of Object.entries(parts)) {
    if (part !== undefined && name !== part) continue;
    console.error(`  ${name}`);
    rows.push(...(await rowsOf({ histojet, rounds })));
  }
  return rows;
}
