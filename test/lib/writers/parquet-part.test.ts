import { spawnSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import { ParquetFile } from '../../../lib/writers/parquet/parquet-file.js';
import { root, temporaryFolder } from '../support.js';

const folder = temporaryFolder();

/** Appends row groups until the file may not grow any more, then gives up as the Worker does. */
const program = `
const { ParquetFile } = await import(process.argv[2]);
const classes = '[{"id":0,"name":"A","color":[1,2,3]}]';
const file = new ParquetFile({ path: process.argv[3], areaName: 'area_px2', provenance: '{}', classes, createdBy: 'test' });
const rows = 4096;
const geometryBytes = 13 + 16 * 5;
let state = 1;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
try {
  for (let made = 0; ; made += rows) {
    const bytes = new ArrayBuffer(rows * (56 + geometryBytes));
    new Float32Array(bytes, 0, 8 * rows).forEach((_, i, values) => (values[i] = random() * 1000));
    new Uint32Array(bytes, 36 * rows, rows).forEach((_, i, values) => (values[i] = (i + 1) * geometryBytes));
    new Uint8Array(bytes, 40 * rows).forEach((_, i, values) => (values[i] = random() * 256));
    file.append({ rows, bytes, classes, measurements: [] });
  }
} catch (error) {
  console.log(error.code);
  file.abandon();
}
`;

test('after a failure the part holds the row groups that were whole', { timeout: 120_000 }, async () => {
  const script = join(folder, 'fill.mjs');
  writeFileSync(script, program);
  const path = join(folder, 'full.parquet');
  const library = pathToFileURL(join(root, 'lib/writers/parquet/parquet-file.js')).href;
  // The third group does not fit: a limit in KiB, whose signal is ignored, makes the write itself fail.
  const command = `ulimit -f 24000; trap '' XFSZ; exec "$0" "$@"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, script, library, path], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout.trim()).toBe('EFBIG');
  expect(existsSync(path)).toBe(false);
  const file = await asyncBufferFromFile(`${path}.part`);
  const { num_rows, row_groups } = await parquetMetadataAsync(file);
  expect(row_groups.length).toBeGreaterThan(0);
  expect(Number(num_rows)).toBe(65_536 * row_groups.length);
  expect(statSync(`${path}.part`).size).toBeLessThan(24000 * 1024);
  const rows = await parquetReadObjects({ file, columns: ['x'], rowStart: Number(num_rows) - 10 });
  expect(rows.length).toBe(10);
});

test('unknown probabilities are null, known ones numbers', async () => {
  const path = join(folder, 'probabilities.parquet');
  const classes = '[{"id":0,"name":"A","color":[1,2,3]},{"id":1,"name":"B","color":[1,2,3]}]';
  const file = new ParquetFile({ path, areaName: 'area_um2', provenance: '{"a":1}', classes, createdBy: 'test' });
  const slice = (probability: number, id: number) => {
    const bytes = new ArrayBuffer(56 + 1);
    new Float32Array(bytes, 0, 8).set([id, 2, probability, 3, 4, 5, 6, 7]);
    new Uint32Array(bytes, 32, 2).set([id % 2, 1]);
    new Uint8Array(bytes, 40).fill(id);
    return { rows: 1, bytes, classes, measurements: [] };
  };
  for (const [id, probability] of [0.5, Number.NaN, 1].entries()) file.append(slice(probability, id));
  file.finish();
  const rows = await parquetReadObjects({
    file: await asyncBufferFromFile(path),
    utf8: false,
    geoparquet: false,
  });
  expect(rows.map(({ prob }) => prob ?? null)).toEqual([0.5, null, 1]);
  expect(rows.map((row) => row.class)).toEqual(['A', 'B', 'A']);
  expect(rows[2]).toMatchObject({
    id: '02020202-0202-0202-0202-020202020202',
    x: 2,
    y: 2,
    area_um2: 3,
    bbox: { xmin: 4, ymin: 5, xmax: 6, ymax: 7 },
    geometry: new Uint8Array([2]),
  });
});
