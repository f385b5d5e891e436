import { join } from 'node:path';
import * as validate from '../internal/validate.js';
import type { NucleusList } from '../nuclei/nucleus-list.js';
import { createWriter, type WriterOptions } from './nucleus-writer.js';

/**
 * Nuclei as one GeoJSON document in memory, the same bytes that {@link createWriter} puts into a file. For long lists
 * write a file: it needs bounded memory.
 *
 * @param nuclei - what to write
 * @param options - those of {@link createWriter} that GeoJSON knows
 * @returns UTF-8 text of a FeatureCollection
 * @throws {@link HistojetError} `HISTOJET_IO` (it passes through the folder for temporary files), `HISTOJET_DISPOSED`
 * (the slide); TypeError, RangeError
 */
export async function encodeGeoJson(
  nuclei: NucleusList,
  options?: Omit<WriterOptions, 'format' | 'processingMpp'>,
): Promise<Uint8Array> {
  // Not at the top: importing the library stays quick.
  const [{ mkdtemp, readFile, rm }, { tmpdir }] = await Promise.all([import('node:fs/promises'), import('node:os')]);
  const folder = await mkdtemp(join(tmpdir(), 'histojet-'));
  try {
    const path = join(folder, 'nuclei.geojson');
    const writer = await createWriter(path, { ...validate.options('options', options), format: 'geojson' });
    try {
      await writer.write(nuclei);
      await writer.close();
    } finally {
      await writer.abandon();
    }
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
