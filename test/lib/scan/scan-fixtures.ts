import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { SelectiveScanInput, Tensor, TensorData } from '../../../lib/index.js';
import { fixture } from '../support.js';

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };

/** The float32 tensors of a safetensors file. */
export function tensorsOf(name: string): Readonly<Record<string, TensorData>> {
  const bytes = readFileSync(fixture(`mamba/${name}.safetensors`));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...entries } = JSON.parse(bytes.subarray(8, start).toString()) as Record<string, Entry>;
  return Object.fromEntries(
    Object.entries(entries).map(
      ([
        key,
        {
          shape,
          data_offsets: [from, to],
        },
      ]) => [key, { shape, data: new Float32Array(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer) }],
    ),
  );
}

/** All that a fixture holds. */
export function inputOf(tensors: Readonly<Record<string, TensorData>>): SelectiveScanInput {
  const { u, delta, A, B, C, D, z, delta_bias: deltaBias, initial_state: initialState } = tensors;
  if (!u || !delta || !A || !B || !C) throw new Error('a tensor is missing');
  return { u, delta, A, B, C, D, z, deltaBias, initialState, deltaSoftplus: true, returnLastState: true };
}

/** Copies the values. */
export async function floats(tensor: Tensor | undefined): Promise<Float32Array> {
  return (await tensor?.data()) as Float32Array;
}

/** Within 1e-6 of the largest value, plus 1e-6. */
export function expectClose(actual: Float32Array, exact: TensorData): void {
  let worst = 0;
  let most = 0;
  for (let i = 0; i < actual.length; ++i) {
    worst = Math.max(worst, Math.abs((actual[i] ?? Number.NaN) - Number(exact.data[i])));
    most = Math.max(most, Math.abs(Number(exact.data[i])));
  }
  expect(actual.length).toBe(exact.data.length);
  expect(worst).toBeLessThanOrEqual(1e-6 * most + 1e-6);
}
