import { typeError } from '../errors.js';
import { withPictures } from '../internal/array-copy.js';
import { callNative } from '../internal/call.js';
import type {
  NativeAttribution,
  NativeAttributionRun,
  NativeCurves,
  NativePixelMambaInput,
  NativePixelMambaRun,
} from '../internal/native-pixel-mamba.js';
import { stagedProgress } from '../internal/progress.js';
import { version } from '../internal/system-info.js';
import * as validate from '../internal/validate.js';
import { type NativeImage, type NativePicture, native, type PixelMambaHandle } from '../native.js';
import { Attribution } from './attribution.js';
import type { AttributionTest, AttributionTestOptions, PerturbationCurves } from './attribution-test-types.js';
import type { AttributionOptions } from './attribution-types.js';
import { Occlusion } from './occlusion.js';
import type { OcclusionOptions } from './occlusion-types.js';
import { predictionOf } from './pixel-mamba-prediction.js';
import type { PixelMambaInfo } from './pixel-mamba-types.js';
import type { PlacedMapsSource } from './placed-maps.js';

/** What is looked at, checked: a picture as it came. */
export type CheckedInput = Exclude<NativePixelMambaInput, { image: unknown }> | { readonly image: NativeImage };

/** A network and what it is to look at. */
export interface ExplainedInput {
  readonly handle: PixelMambaHandle;
  readonly info: PixelMambaInfo;
  readonly input: CheckedInput;
  readonly run: NativePixelMambaRun;
  readonly mpp: PlacedMapsSource['mpp'];
}

const weightings = ['contribution', 'channels', 'attention'] as const;
const mostBytes = 2 ** 50;
const mostPx = 2 ** 31;

/** Runs a native call on what is to be looked at; large pictures are copied in pieces. */
export function withInput<Result>(
  handle: PixelMambaHandle,
  input: CheckedInput,
  job: (model: PixelMambaHandle, input: NativePixelMambaInput) => Promise<Result>,
): Promise<Result> {
  if (!('image' in input)) return job(handle, input);
  return withPictures([handle], [input.image], ([image], model) => job(model, { image: image as NativePicture }));
}

/** Options of one method are no options of the other. */
function refuseOthers(options: object, names: readonly string[], method: string): void {
  const given = options as Readonly<Record<string, unknown>>;
  const other = names.find((name) => given[name] !== undefined);
  if (other !== undefined) throw typeError(`${other}: the method '${method}' has no such option`);
}

function checkTarget(target: unknown): number | undefined {
  return validate.optional('target', target, validate.integer, 0, mostPx);
}

function provenanceOf({ info }: ExplainedInput): Readonly<Record<string, unknown>> {
  return { software: 'histojet', version, model: { name: info.architecture, weights: info.weights.sha256 } };
}

/** The number of an output; null for none. */
function outputOf(output: number): number | null {
  return output < 0 ? null : output;
}

/** What both methods tell: what they found, of which prediction and where. */
function explanationOf<Found extends Pick<NativeAttribution, 'prediction' | 'output'>>(
  of: ExplainedInput,
  found: Found,
) {
  return {
    found,
    prediction: predictionOf(found.prediction, of.info),
    target: outputOf(found.output),
    mpp: of.mpp,
    provenance: provenanceOf(of),
  };
}

/** {@link PixelMamba.attribute} by roll-out. */
export async function rollOut(of: ExplainedInput, options: AttributionOptions): Promise<Attribution> {
  refuseOthers(options, ['coarsestPx', 'finestPx', 'maxEvaluations'], 'rollout');
  const target = options.target === 'features' ? options.target : (checkTarget(options.target) ?? 'predicted');
  const run: NativeAttributionRun = {
    ...of.run,
    target,
    tokenPx: validate.optional('tokenPx', options.tokenPx, validate.integer, 1, mostPx),
    localPx: validate.optional('localPx', options.localPx, validate.integer, 1, mostPx),
    signed: validate.boolean('signed', options.signed ?? false),
    weighting: validate.oneOf('weighting', options.weighting ?? 'contribution', weightings),
    mapBytes: validate.optional('maxMapBytes', options.maxMapBytes, validate.integer, 1, mostBytes),
  };
  const report = stagedProgress(validate.callback('onProgress', options.onProgress));
  const found = await callNative(options.signal, (cancel) =>
    withInput(of.handle, of.input, (model, input) => native.pixelMambaAttribute(model, input, run, report, cancel)),
  );
  return new Attribution(explanationOf(of, found));
}

/** {@link PixelMamba.attribute} by squares that are painted over. */
export async function occlude(of: ExplainedInput, options: OcclusionOptions): Promise<Occlusion> {
  refuseOthers(options, ['tokenPx', 'localPx', 'signed', 'weighting', 'maxMapBytes'], 'occlusion');
  const run = {
    ...of.run,
    target: checkTarget(options.target) ?? 'predicted',
    coarsestPx: validate.optional('coarsestPx', options.coarsestPx, validate.integer, 1, mostPx),
    finestPx: validate.optional('finestPx', options.finestPx, validate.integer, 1, mostPx),
    maxEvaluations: validate.optional('maxEvaluations', options.maxEvaluations, validate.integer, 2, mostPx),
  } as const;
  const report = stagedProgress(validate.callback('onProgress', options.onProgress));
  const found = await callNative(options.signal, (cancel) =>
    withInput(of.handle, of.input, (model, input) => native.pixelMambaOcclude(model, input, run, report, cancel)),
  );
  return new Occlusion(explanationOf(of, found));
}

function curvesOf({ deletion, insertion }: NativeCurves): PerturbationCurves {
  return { deletion: Object.freeze(deletion), insertion: Object.freeze(insertion) };
}

/** {@link PixelMamba.testAttribution}. */
export async function testMap(
  of: ExplainedInput,
  attribution: Attribution | Occlusion,
  options: AttributionTestOptions,
): Promise<AttributionTest> {
  const seed = validate.integer('seed', options.seed ?? 1, 0, Number.MAX_SAFE_INTEGER - 2 ** 20);
  const run = {
    ...of.run,
    target: checkTarget(options.target) ?? attribution.target ?? 'predicted',
    cellPx: validate.optional('cellPx', options.cellPx, validate.integer, 1, mostPx),
    steps: validate.integer('steps', options.steps ?? 16, 1, 10_000),
    randomOrders: validate.integer('randomOrders', options.randomOrders ?? 3, 0, 1000),
    seed,
  } as const;
  const { finest } = attribution;
  const tokenPx = 'squarePx' in finest ? finest.squarePx : finest.tokenPx;
  const map = { data: finest.values, width: finest.width, height: finest.height, tokenPx };
  const report = stagedProgress(validate.callback('onProgress', options.onProgress));
  const found = await callNative(options.signal, (cancel) =>
    withInput(of.handle, of.input, (model, input) => native.pixelMambaTestMap(model, input, map, run, report, cancel)),
  );
  const { output, cellPx, squares, random } = found;
  return Object.freeze({
    target: outputOf(output),
    cellPx,
    squares,
    ...curvesOf(found),
    random: Object.freeze(random.map((curves, i) => Object.freeze({ seed: seed + i, ...curvesOf(curves) }))),
  });
}
