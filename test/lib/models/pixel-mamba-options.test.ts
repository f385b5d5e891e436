import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Image, PixelMamba, type PixelMambaPrediction, Slide, synthesizeSlide } from '../../../lib/index.js';
import { made, relativeDistance, writeSafetensors } from '../safetensors.js';
import { covered, expectCode, expectSameBytes, temporaryFolder } from '../support.js';
import { type NetworkConfig, type StageConfig, writePixelMamba } from './pixel-mamba-weights.js';

const folder = temporaryFolder();
let files = 0;
const newFile = (): string => join(folder, `${files++}.safetensors`);
// 5 x 4 regions; the right and the lower ones are cut by the border.
const [width, height] = [139, 107];
const slideMade = synthesizeSlide(join(folder, 'slide.tif'), { width, height, seed: 9, tissue: 0.9, mpp: 0.5 });

async function smallSlide(): Promise<Slide> {
  return Slide.open((await slideMade).path);
}

/** Two stages in regions of 32 px, then one that looks back over the whole picture; some of them with `change`. */
function network(
  change: Partial<StageConfig> = {},
  changed: readonly number[] = [0, 1, 2],
  rest: Partial<NetworkConfig> = {},
): NetworkConfig {
  const stages: readonly StageConfig[] = [
    { dim: 8, d_state: 3, backward_scope: 'region' },
    { dim: 8, d_state: 4, backward_scope: 'region' },
    { dim: 12, d_state: 3, backward_scope: 'global' },
  ];
  return {
    serialization: { region_size: 32 },
    head: { type: 'ordinal', outputs: 3 },
    ...rest,
    stages: stages.map((stage, s) => (changed.includes(s) ? { ...stage, ...change } : stage)),
  };
}

interface Case {
  readonly option: string;
  readonly config: NetworkConfig;
  /** Where roll-out says that it does not follow. */
  readonly refused?: string;
  /** Tokens of the last stage, where no similarity decides. */
  readonly tokens?: number;
  /** The whole grid of a stage has to be in memory. */
  readonly inMemory?: boolean;
}

/** Squares of 4 px that hold a pixel. */
const squares = 35 * 27;
/** Two of three stages with a scan: in regions, or over the picture. */
const inRegions = (change: Partial<StageConfig>) => network(change, [0, 1]);
const overAll = (change: Partial<StageConfig>) => network({ ...change, backward_scope: 'global' }, [1, 2]);
const merged = (merge: 'concat1x2' | 'concat2x1') => network({}, [], { merge });
const tome = network({}, [], { merge: 'tome', tome: { keep: 0.6, window: 32 } });
const regionTokens = network({}, [], { serialization: { region_size: 32, region_tokens: true } });

const cases: readonly Case[] = [
  { option: 'mlp_ratio', config: network({ mlp_ratio: 2.5 }), tokens: squares },
  { option: 'pos: sincos2d', config: network({ pos: 'sincos2d' }), tokens: squares },
  { option: 'merge: concat1x2', config: merged('concat1x2'), refused: 'merge', tokens: 70 * 54 },
  { option: 'merge: concat2x1', config: merged('concat2x1'), refused: 'merge', tokens: 70 * 54 },
  { option: 'merge: tome', config: tome, refused: 'merge' },
  { option: 'region_tokens', config: regionTokens, refused: 'serialization.region_tokens', tokens: squares + 20 },
  ...(['window', 'cross2d', 'scan2d'] as const).flatMap((scan) => {
    const change = scan === 'window' ? { scan, window: 3 } : { scan };
    const inMemory = scan === 'cross2d';
    return [
      { option: `scan: ${scan} in regions`, config: inRegions(change), refused: 'stages[0].scan', tokens: squares },
      { option: `scan: ${scan}`, config: overAll(change), refused: 'stages[1].scan', tokens: squares, inMemory },
    ];
  }),
];

/** The answer for the slide. */
async function answer(
  config: NetworkConfig,
  source?: Image,
  change?: Parameters<typeof writePixelMamba>[2],
): Promise<PixelMambaPrediction> {
  await using slide = await smallSlide();
  await using model = await PixelMamba.load(writePixelMamba(newFile(), config, change));
  return model.predict(source ?? slide);
}

const plain = answer(network());

describe.each(cases)('$option', ({ config, refused, tokens, inMemory = false }) => {
  const path = writePixelMamba(newFile(), config);

  it('gives the same bits for a slide in memory, streamed, and for its pixels', async () => {
    await using slide = await smallSlide();
    await using model = await PixelMamba.load(path);
    expect(model.info.config).toMatchObject(config);
    const whole = await model.predict(slide, { streaming: false });
    expect(whole).toMatchObject({ regions: 20, spilledBytes: 0 });
    if (tokens !== undefined) expect(whole.tokensPooled).toBe(tokens);
    expect(relativeDistance(whole.features, (await plain).features)).toBeGreaterThan(1e-4);

    const little = { maxMemoryBytes: 0, spillDir: folder };
    if (inMemory) {
      await expectCode(model.predict(slide, little), 'HISTOJET_INVALID_ARGUMENT', /stages\[[12]\]\.backward_scope/);
    }
    const streamed = await model.predict(slide, inMemory ? { ...little, maxMemoryBytes: 2 ** 25 } : little);
    if (!inMemory) expect(streamed.spilledBytes).toBeGreaterThan(0);
    await using single = await PixelMamba.load(path, { threads: 1 });
    const pixels = await slide.readRegion({ x: 0, y: 0, width, height });
    for (const other of [streamed, await single.predict(slide), await model.predict(pixels)]) {
      expectSameBytes(other.features, whole.features);
      expectSameBytes(other.logits, whole.logits);
    }
  });

  it('is explained by occlusion, and by roll-out if that follows it', async () => {
    await using slide = await smallSlide();
    await using model = await PixelMamba.load(path);
    const picture = await slide.readRegion({ x: 60, y: 40, width: 72, height: 40 });
    const options = { coarsestPx: 32, finestPx: 16, maxEvaluations: 12, target: 1 };
    const { squares: looked, score } = await model.attribute(picture, { method: 'occlusion', ...options });
    expect(looked.length).toBeGreaterThan(6);
    expect(looked.some(({ change }) => change !== 0)).toBe(true);
    for (const { x, y, width: side, change } of [looked[0], looked[4], looked.at(-1)].filter(
      (one) => one !== undefined,
    )) {
      const { logits } = await model.predict(covered(picture, x, y, side));
      expect((logits[1] ?? 0) - score).toBeCloseTo(change, 5);
    }
    const rolled = model.attribute(picture, { target: 1 });
    if (refused !== undefined) {
      const place = new RegExp(`: ${refused.replaceAll(/[[\].]/g, '\\$&')}: roll-out does not follow`);
      return expectCode(rolled, 'HISTOJET_UNSUPPORTED_FORMAT', place);
    }
    const { maps, total } = await rolled;
    expect(maps).toHaveLength(3);
    for (const { sum } of maps) expect(sum).toBeCloseTo(total, 3);
  });
});

describe('what the options mean', () => {
  it('an MLP that adds nothing changes nothing', async () => {
    const silent = await answer(network({ mlp_ratio: 2 }), undefined, (tensors) => {
      for (const [name, { shape }] of tensors) {
        if (name.includes('mlp.fc2')) tensors.set(name, made(shape, 1, 0));
      }
    });
    expectSameBytes(silent.logits, (await plain).logits);
  });

  it('a window as large as a region is read as its rows are', async () => {
    const serialization = { region_size: 32, pixel_order: 'raster' };
    const rows = await answer(network({}, [], { serialization }));
    const windows = (window: number) => answer(network({ scan: 'window', window }, [0, 1], { serialization }));
    expect(relativeDistance((await windows(32)).features, rows.features)).toBeLessThan(1e-6);
    expect(relativeDistance((await windows(2)).features, rows.features)).toBeGreaterThan(0.001);
  });

  it('pairs that lie side by side lie one above the other when the picture is turned over its diagonal', async () => {
    await using slide = await smallSlide();
    const image = await slide.readRegion({ x: 0, y: 0, width, height });
    const turned = { ...image, width: height, height: width, data: new Uint8Array(image.data.length) };
    for (let y = 0; y < height; ++y) {
      for (let x = 0; x < width; ++x) {
        const from = 3 * (y * width + x);
        turned.data.set(image.data.subarray(from, from + 3), 3 * (x * height + y));
      }
    }
    // Without mixers and with a mean no order matters.
    const pairs = (merge: 'concat1x2' | 'concat2x1', source: Image) =>
      answer(network({ depth: 0 }, [0, 1, 2], { merge, pool: 'mean' }), source);
    const { features } = await pairs('concat1x2', image);
    expect(relativeDistance((await pairs('concat2x1', turned)).features, features)).toBeLessThan(1e-5);
    expect(relativeDistance((await pairs('concat2x1', image)).features, features)).toBeGreaterThan(1e-4);
  });
});

it.each([
  [{ stages: [{ mlp_ratio: -1 }] }, 'stages[0].mlp_ratio: expected a number from 0 to 64, got -1'],
  [{ stages: [{}, { mlp_ratio: '4' }] }, 'stages[1].mlp_ratio: expected a number from 0 to 64, got "4"'],
  [{ stages: [{ pos: 'rope' }] }, 'stages[0].pos: expected one of "none", "sincos2d", got "rope"'],
  [{ stages: [{ dim: 10, pos: 'sincos2d' }] }, 'stages[0].dim: expected a multiple of 4 for pos "sincos2d", got 10'],
  [{ merge: 'concat3x3' }, 'merge: expected one of "concat2x2", "average2x2", "conv2x2", "concat1x2", '],
  [{ merge: 'tome', tome: { keep: 0.4 } }, 'tome.keep: expected a number from 0.5 to 1, got 0.4'],
  [{ merge: 'tome', tome: { window: 7 } }, 'tome.window: expected an integer from 8 to 4096, got 7'],
  [{ merge: 'concat1x2', tome: {} }, 'tome: expected none, as it belongs to merge "tome"'],
  [{ merge: 'tome', pool: 'middle' }, 'pool: expected "mean", "last" or "attention" with merge "tome"'],
  [{ merge: 'tome', stages: [{}, { scan: 'window' }] }, 'stages[1].scan: expected "sequence" behind a merge "tome"'],
  [{ serialization: { region_tokens: 'yes' } }, 'serialization.region_tokens: expected true or false, got "yes"'],
  [{ stages: [{ scan: 'spiral' }] }, 'stages[0].scan: expected one of "sequence", "window", "cross2d", "scan2d"'],
  [{ stages: [{ scan: 'window', window: 0 }] }, 'stages[0].window: expected an integer from 1 to 2048, got 0'],
  [{ stages: [{ window: 4 }] }, 'stages[0].window: expected none, as only scan "window" has windows'],
  [{ stages: [{ scan: 'cross2d', d_conv: 4 }] }, 'stages[0].d_conv: expected 3, 5 or 7 for scan "cross2d", got 4'],
  [{ stages: [{ scan: 'cross2d', bidirectional: 'v2' }] }, 'stages[0].bidirectional: expected none, as scan "cross2d"'],
  [{ stages: [{ scan: 'scan2d', bidirectional: 'v1' }] }, 'stages[0].bidirectional: expected "none" or "v2" for scan'],
  [{ stages: [{ backward_scope: 'slide' }] }, 'stages[0].backward_scope: expected one of "region", "global"'],
])('refuses a file with %j', async (given: { readonly stages?: readonly object[] }, message) => {
  const stages = (given.stages ?? [{}, {}]).map((stage) => ({ dim: 8, ...stage }));
  const config = JSON.stringify({ format: 'pixel-mamba/1', ...given, stages });
  const load = PixelMamba.load(writeSafetensors(newFile(), new Map(), { config }));
  await expectCode(load, 'HISTOJET_INVALID_ARGUMENT');
  await expect(load).rejects.toThrow(`config: ${message}`);
});
