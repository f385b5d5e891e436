import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Weights } from '../../../lib/index.js';
import { expectArgumentError, expectCode, temporaryFolder, tinyWeights } from '../support.js';

const folder = temporaryFolder();

test('reads names, metadata and values', async () => {
  const bytes = await readFile(tinyWeights);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0))));
  const weights = await Weights.open(tinyWeights);
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  expect(weights).toMatchObject({ path: tinyWeights, format: 'safetensors', metadata: header.__metadata__ });
  expect([...weights.names].sort()).toEqual(names.sort());
  for (const name of names) {
    const { shape, dtype, data_offsets: span } = header[name];
    expect(weights.has(name)).toBe(true);
    expect(weights.entry(name)).toEqual({ dtype: dtype.toLowerCase(), shape });
    const tensor = await weights.get(name);
    const values = await tensor.data();
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    expect(Buffer.from(values.buffer, values.byteOffset, values.byteLength)).toEqual(
      bytes.subarray(start + span[0], start + span[1]),
    );
  }
  expect(await weights.sha256()).toMatch(/^sha256:[0-9a-f]{64}$/);
});

test('a missing tensor names the file', async () => {
  const weights = await Weights.open(tinyWeights);
  expect(weights.has('nothing')).toBe(false);
  await expectCode(weights.get('nothing'), 'HISTOJET_MISSING_WEIGHT', /nothing/);
  expect(() => weights.entry('nothing')).toThrow(expect.objectContaining({ code: 'HISTOJET_MISSING_WEIGHT' }));
  await expectArgumentError(weights.get(3 as never), TypeError, /^name: /);
});

test('files that are no checkpoints', async () => {
  await expectCode(Weights.open(join(folder, 'none.pth')), 'HISTOJET_IO', /none\.pth/);
  const junk = join(folder, 'junk.safetensors');
  writeFileSync(junk, Buffer.alloc(64, 0xff));
  await expect(Weights.open(junk)).rejects.toMatchObject({
    name: 'HistojetError',
    code: expect.stringMatching(/HISTOJET_(CORRUPT_FILE|UNSUPPORTED_FORMAT)/),
    cause: expect.any(Error),
  });
  await expectArgumentError(Weights.open(''), RangeError, /^path: /);
});

test('closing keeps what was read', async () => {
  const weights = await Weights.open(tinyWeights);
  const [name] = weights.names as [string];
  const tensor = await weights.get(name);
  await weights.close();
  await weights.close();
  await expectCode(weights.get(name), 'HISTOJET_DISPOSED', /the weights file is closed/);
  expect((await tensor.data()).length).toBe(tensor.size);
});
