import { HistojetError } from '../errors.js';
import { callSync } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { type ColorTableHandle, native } from '../native.js';

/** Nodes per axis of the table; the native side has the same number. */
const nodes = 33;
/** Little CMS copies a profile onto its stack of 15 MiB. */
const largestProfileBytes = 8 << 20;
/** Colours per step, so that the event loop goes on in between. */
const colorsPerStep = 363;
/** Little CMS's TYPE_RGB_FLT, which the package lacks: floating point, RGB, 3 channels of 4 bytes. */
const rgbFloats = (1 << 22) | (4 << 16) | (3 << 3) | 4;
const relativeColorimetric = 1;

/** What is used of lcms-wasm, which brings no types; profiles and transforms are addresses, 0 for a failure. */
interface Lcms {
  cmsOpenProfileFromMem(bytes: Uint8Array, length: number): number;
  cmsCreate_sRGBProfile(): number;
  cmsGetColorSpaceASCII(profile: number): string | null;
  cmsCreateTransform(
    from: number,
    fromFormat: number,
    to: number,
    toFormat: number,
    intent: number,
    flags: number,
  ): number;
  cmsDoTransform(transform: number, colors: Float32Array, count: number): Float32Array;
}

/**
 * A new instance of Little CMS. It is dropped with its memory when the table is made: the package offers no way to
 * close a profile.
 */
async function loadLcms(): Promise<Lcms> {
  // @ts-expect-error the package brings no types
  const { instantiate } = await import('lcms-wasm');
  return instantiate({ print() {}, printErr() {} });
}

/** Checks the option `icc`. */
export function checkIcc(value: unknown): 'srgb' | undefined {
  return value === undefined ? undefined : validate.oneOf<'srgb'>('icc', value, ['srgb']);
}

/** The intent that the profile asks for; relative colorimetric where it names none. */
function intentOf(profile: Uint8Array): number {
  const intent = new DataView(profile.buffer, profile.byteOffset, profile.byteLength).getUint32(64);
  return intent <= 3 ? intent : relativeColorimetric;
}

function damaged(cause?: unknown): HistojetError {
  return new HistojetError('HISTOJET_CORRUPT_FILE', 'the ICC profile of the slide is damaged', { cause });
}

function toSrgb(lcms: Lcms, profile: Uint8Array): number {
  const from = lcms.cmsOpenProfileFromMem(profile, profile.length);
  if (from === 0) throw damaged();
  const space = lcms.cmsGetColorSpaceASCII(from);
  if (space !== 'RGB') {
    throw new HistojetError(
      'HISTOJET_UNSUPPORTED_FORMAT',
      `the ICC profile of the slide is for ${space ?? 'an unknown colour space'}, expected RGB`,
    );
  }
  const transform = lcms.cmsCreateTransform(
    from,
    rgbFloats,
    lcms.cmsCreate_sRGBProfile(),
    rgbFloats,
    intentOf(profile),
    0,
  );
  if (transform === 0) throw damaged();
  return transform;
}

/**
 * A value of the table: -0.5 to 1.5 as 0 to 65535. Below 0, where Little CMS goes on in a steep straight line, sRGB's
 * curve is mirrored: interpolation between nodes on both sides of the gamut's border then errs less.
 */
function entry(value: number): number {
  const mirrored = value < -0.04045 ? -(1.055 * (-value / 12.92) ** (1 / 2.4) - 0.055) : value;
  return Math.round((65535 * (Math.min(1.5, Math.max(-0.5, mirrored)) + 0.5)) / 2);
}

/** Colours of the table from `first` on, red slowest. */
function tableColors(first: number, count: number): Float32Array {
  const colors = new Float32Array(3 * count);
  for (let i = 0; i < count; i += 1) {
    const node = first + i;
    colors[3 * i] = Math.floor(node / (nodes * nodes)) / (nodes - 1);
    colors[3 * i + 1] = (Math.floor(node / nodes) % nodes) / (nodes - 1);
    colors[3 * i + 2] = (node % nodes) / (nodes - 1);
  }
  return colors;
}

/**
 * The conversion from a profile's colours to sRGB as a table of 33 x 33 x 33 colours, computed by Little CMS
 * (WebAssembly, loaded at the first use) with the profile's own rendering intent.
 *
 * @returns [33, 33, 33, 3], 0 to 65535 for -0.5 to 1.5
 * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE`, `HISTOJET_UNSUPPORTED_FORMAT` (not an RGB profile)
 */
export async function srgbTable(profile: Uint8Array): Promise<Uint16Array> {
  if (profile.length < 132 || profile.length > largestProfileBytes) throw damaged();
  const lcms = await loadLcms();
  const values = new Uint16Array(3 * nodes ** 3);
  try {
    const transform = toSrgb(lcms, profile);
    for (let first = 0; first < nodes ** 3; first += colorsPerStep) {
      const count = Math.min(colorsPerStep, nodes ** 3 - first);
      const colors = lcms.cmsDoTransform(transform, tableColors(first, count), count);
      for (const [i, value] of colors.entries()) values[3 * first + i] = entry(value);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    throw error instanceof HistojetError ? error : damaged(error); // what WebAssembly throws on a trap
  }
  return values;
}

/** The table as native code applies it. */
export async function makeColorTable(profile: Uint8Array): Promise<ColorTableHandle> {
  const values = await srgbTable(profile);
  return callSync(() => native.colorTable(values));
}
