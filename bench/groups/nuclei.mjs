// Nuclei: post-processing beside the references' procedure, files beside JSON and zlib, whole slides beside the sum of
// their stages, memory.
import { Calibration } from '../calibration.mjs';
import { fileRows } from '../nuclei/files.mjs';
import { memoryRows } from '../nuclei/memory.mjs';
import { postprocessRows } from '../nuclei/postprocess.mjs';
import { wholeSlideRows } from '../nuclei/whole-slide.mjs';

/** All rows of this group. */
export async function run({ histojet, rounds }) {
  console.error('  post-processing');
  const postprocess = await postprocessRows({ rounds });
  console.error('  files');
  const files = await fileRows({ histojet, rounds });
  console.error('  whole slides');
  const calibration = new Calibration();
  let slides;
  try {
    // Which rounds count depends on the best calibration of the whole run.
    slides = (await wholeSlideRows({ histojet, rounds, calibration }))();
  } finally {
    calibration.close();
  }
  console.error('  memory');
  return [...postprocess, ...files, ...slides, ...(await memoryRows({ histojet }))];
}
