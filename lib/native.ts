import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ArrayCopyHandle, NativeArrayCopies } from './internal/native-array-copy.js';
import type { NativeHeatMaps } from './internal/native-heat-map.js';
import type { NativeMerging } from './internal/native-merging.js';
import type { NativePixelMamba } from './internal/native-pixel-mamba.js';
import type { NativeScoring } from './internal/native-scoring.js';
import type { NativeTokenModels } from './internal/native-token-models.js';

/** A native object that JavaScript holds; `Kind` keeps the kinds apart for the compiler, type tags at run time. */
export interface Handle<Kind extends string> {
  readonly __kind: Kind;
}
export type CancelHandle = Handle<'cancel'>;
export type LockHandle = Handle<'lock'>;
export type SlideHandle = Handle<'slide'>;
export type RemoteHandle = Handle<'remote'>;
export type WeightsHandle = Handle<'weights'>;
export type TensorHandle = Handle<'tensor'>;
export type ModelHandle = Handle<'model'>;
export type PixelMambaHandle = Handle<'pixel-mamba'>;
export type PictureModelHandle = Handle<'picture-model'>;
export type MambaMilHandle = Handle<'mamba-mil'>;
export type NucleiHandle = Handle<'nuclei'>;
export type RunHandle = Handle<'run'>;
export type ReaderHandle = Handle<'reader'>;
export type WriterHandle = Handle<'writer'>;
export type DensityHandle = Handle<'density'>;
export type ColumnsHandle = Handle<'columns'>;
export type ColorTableHandle = Handle<'color-table'>;
export type DeepZoomHandle = Handle<'deep-zoom'>;
export type SpoolHandle = Handle<'spool'>;

type Cancel = CancelHandle | undefined;

export interface NativeImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}
/** A picture that goes in: large pixels as a copy that is full. */
export interface NativePicture extends Omit<NativeImage, 'data'> {
  readonly data: Uint8Array | ArrayCopyHandle;
}
export interface NativeRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface NativeMask {
  readonly width: number;
  readonly height: number;
  readonly downsample: number;
  readonly data: Uint8Array;
}
export interface NativeLevel {
  readonly width: number;
  readonly height: number;
  readonly downsample: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
}
export interface NativeMpp {
  readonly x: number;
  readonly y: number;
  readonly source: 'vendor' | 'tiff-resolution' | 'objective-power' | 'companion' | 'override';
}
export interface NativeSlideOptions {
  readonly mpp: number | undefined;
  readonly companion?: { readonly x: number; readonly y: number } | undefined;
  readonly tolerant: boolean;
  readonly maxCacheBytes: number | undefined;
  readonly openslide: string;
}
export interface NativeSlideInfo {
  readonly format: string;
  readonly levels: NativeLevel[];
  readonly mpp: NativeMpp | null;
  readonly objectivePower: number | null;
  readonly properties: string[];
  readonly bounds: NativeRect;
  readonly associatedImages: string[];
}
export interface NativeRegion extends NativeRect {
  readonly level: number;
  readonly channels: 3 | 4;
  readonly coordinates: 'level0' | 'level';
  readonly resample: 'nearest' | 'bilinear';
  readonly background: readonly number[] | undefined;
}
export interface NativeGrid {
  readonly size: number;
  readonly overlap: number;
  readonly mpp: number | undefined;
  readonly level: number | undefined;
  readonly region: NativeRect | undefined;
  readonly minTissue: number;
}
export interface NativeBatch {
  readonly positions: Float64Array;
  readonly width: number;
  readonly height: number;
  readonly mpp: number | undefined;
  readonly level: number | undefined;
  readonly planar: boolean;
  readonly mean: readonly number[] | undefined;
  readonly std: readonly number[] | undefined;
}
export interface NativePixels {
  readonly data: Uint8Array | Float32Array | ArrayCopyHandle;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}
export interface NativeSlidePart {
  readonly slide: SlideHandle;
  readonly region: NativeRect | undefined;
  readonly level: number | undefined;
  readonly mpp: number | undefined;
}
export interface NativeNewSlide {
  readonly tileSize: number;
  readonly compression: 'jpeg' | 'deflate' | 'zstd' | 'none';
  readonly quality: number;
  readonly subsampling: 1 | 2;
  readonly mpp: number | undefined;
  /** Vertically, where it differs from `mpp`. */
  readonly mppY?: number | undefined;
  readonly pyramid: boolean;
  readonly ome: boolean;
}
export interface NativePostprocess {
  readonly variant: 'hovernet' | 'hoverfast';
  readonly compat: boolean;
  readonly minAreaPx: number | undefined;
  readonly simplify: number | undefined;
}
export interface NativeSegment extends NativePostprocess {
  readonly minAreaUm2: number | undefined;
  readonly mpp: number | undefined;
  readonly stain: 'he' | 'ihc-dab';
  readonly measure: boolean;
}
export interface NativeSegmentSlide extends NativeSegment {
  readonly region: NativeRect | undefined;
  readonly tissueMask: NativeMask | undefined;
  readonly findTissue: boolean;
  readonly minTissue: number;
  readonly tileSize: number | undefined;
  readonly threads: number;
  readonly maxMemoryBytes: number | undefined;
  readonly checkpointDir: string | undefined;
  readonly checkpointKey: string;
}
export interface NativeStep {
  readonly windowsDone: number;
  readonly windowsTotal: number;
  readonly windowsRestored: number;
  readonly nuclei: number;
  readonly batch?: NucleiHandle;
}
export interface NativeModelInfo {
  readonly architecture: string;
  readonly config: string[];
  readonly isa: string;
  readonly precision: 'float32' | 'high' | 'fast';
  readonly parameters: number;
  readonly memoryBytes: number;
  readonly mpp: number;
  readonly marginPx: number;
  readonly outputMarginPx: number;
  readonly tilePx: number;
  readonly types: readonly { readonly name: string; readonly color: readonly [number, number, number] }[];
}
export interface NativeClass {
  readonly name: string;
  readonly color: readonly [number, number, number];
}
export interface NativeReaderInfo {
  readonly format: string;
  /** JSON, or empty. */
  readonly provenance: string;
  readonly magnification: number | null;
  readonly classes: readonly NativeClass[];
}
export interface NativeReaderStep {
  /** Null at the end. */
  readonly nuclei: NucleiHandle | null;
  readonly classes: readonly NativeClass[];
}
export interface NativeWriterOptions {
  readonly path: string;
  readonly format: string;
  readonly origin: 'bounds' | 'level0' | undefined;
  readonly boundsX: number;
  readonly boundsY: number;
  readonly mpp: number;
  readonly processingMpp: number;
  readonly fingerprint: string;
  readonly weightsHash: string;
  readonly provenance: string;
  readonly otherFormats: string;
  readonly classes: readonly { readonly name: string; readonly color: readonly number[] }[];
}
export interface NativeColumns {
  readonly rows: number;
  readonly next: number;
  readonly bytes: ArrayBuffer;
  readonly classes: string;
  readonly measurements: string[];
}
export interface NativeOverlay {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly scaleY?: number | undefined;
  readonly lineWidth: number;
  readonly color: readonly number[] | undefined;
  readonly typeColors?: readonly (readonly number[])[] | undefined;
}
export interface NativeScan {
  readonly layout: string;
  readonly deltaSoftplus: boolean;
  readonly reverse: boolean;
  readonly returnLastState: boolean;
  readonly threads: number;
  readonly height?: number;
  readonly width?: number;
}
export interface NativeTensors {
  readonly np: TensorHandle;
  readonly hv: TensorHandle;
  readonly tp?: TensorHandle;
}
type NumberArray = Float32Array | Float64Array | Int32Array | Uint8Array;

/** The functions of the addon (native/binding); each is documented there. All values must be validated before. */
export interface NativeBinding
  extends NativeArrayCopies,
    NativeMerging,
    NativeHeatMaps,
    NativePixelMamba,
    NativeScoring,
    NativeTokenModels {
  version(): string;
  systemInfo(): { cpuModel: string; cpuFeatures: string[]; isa: string; threads: number; addonUrl?: string };
  residentBytes(): number;
  lockFile(path: string): LockHandle | null;
  unlockFile(lock: LockHandle, remove: boolean): void;
  errorCodes(): string[];
  cancelSource(): CancelHandle;
  cancel(source: CancelHandle): void;

  slideOpen(path: string, options: NativeSlideOptions, cancel: Cancel): Promise<SlideHandle>;
  slideOpenRemote(remote: RemoteHandle, options: NativeSlideOptions, cancel: Cancel): Promise<SlideHandle>;
  remoteOpen(
    name: string,
    size: number,
    head: Uint8Array,
    ask: (what: 'fetch' | 'cancel' | 'close', id: number, offset: number, length: number) => void,
  ): RemoteHandle;
  remoteDeliver(remote: RemoteHandle, id: number, bytes: Uint8Array): boolean;
  remoteFail(remote: RemoteHandle, id: number, message: string): void;
  remoteClose(remote: RemoteHandle): void;
  slideInfo(slide: SlideHandle): NativeSlideInfo;
  slideDamagedTiles(
    slide: SlideHandle,
  ): { level: number; column: number; row: number; lost: boolean; reason: string }[];
  slideWarnings(slide: SlideHandle): string[];
  slideBestLevel(slide: SlideHandle, downsample: number): number;
  slideFingerprint(slide: SlideHandle, cancel: Cancel): Promise<string>;
  slideClose(slide: SlideHandle): void;
  slideReadRegion(
    slide: SlideHandle,
    region: NativeRegion,
    out: Uint8Array | undefined,
    cancel: Cancel,
    colors?: ColorTableHandle,
  ): Promise<NativeImage>;
  slideReadAt(
    slide: SlideHandle,
    region: NativeRect & { mpp: number; channels: 3 | 4 },
    cancel: Cancel,
    colors?: ColorTableHandle,
  ): Promise<NativeImage>;
  slideReadBatch(
    slide: SlideHandle,
    batch: NativeBatch,
    cancel: Cancel,
    colors?: ColorTableHandle,
  ): Promise<TensorHandle>;
  slideReadAssociated(slide: SlideHandle, name: string, cancel: Cancel): Promise<NativeImage>;
  slideThumbnail(slide: SlideHandle, maxSize: number, cancel: Cancel, colors?: ColorTableHandle): Promise<NativeImage>;
  slideTissueMask(slide: SlideHandle, mpp: number, cancel: Cancel): Promise<NativeMask>;
  slideTileGrid(
    slide: SlideHandle,
    grid: NativeGrid,
    mask: NativeMask | undefined,
    cancel: Cancel,
  ): Promise<Float64Array>;
  slideReadTile(
    slide: SlideHandle,
    grid: NativeGrid,
    tile: { x: number; y: number; column: number; row: number },
    cancel: Cancel,
    colors?: ColorTableHandle,
  ): Promise<NativeImage>;
  slideIccProfile(slide: SlideHandle, cancel: Cancel): Promise<Uint8Array | null>;
  colorTable(values: Uint16Array): ColorTableHandle;
  deepZoomOpen(
    slide: SlideHandle,
    options: { tileSize: number; overlap: number; format: 'jpeg' | 'png'; quality: number; limitBounds: boolean },
  ): DeepZoomHandle;
  deepZoomLevels(pyramid: DeepZoomHandle): { width: number; height: number; columns: number; rows: number }[];
  deepZoomTile(
    pyramid: DeepZoomHandle,
    level: number,
    column: number,
    row: number,
    cancel: Cancel,
    colors: ColorTableHandle | undefined,
  ): Promise<Uint8Array>;
  spoolOpen(
    path: string,
    size: { width: number; height: number; channels: 1 | 3; background: readonly number[] },
    cancel: Cancel,
  ): Promise<SpoolHandle>;
  spoolWrite(spool: SpoolHandle, image: NativePixels, x: number, y: number, cancel: Cancel): Promise<void>;
  spoolClose(spool: SpoolHandle): void;
  createSlide(
    path: string,
    source: NativeSlidePart | { spool: SpoolHandle } | NativePixels,
    options: NativeNewSlide,
    progress: ((done: number, total: number) => void) | undefined,
    cancel: Cancel,
  ): Promise<{ width: number; height: number; fileBytes: number }>;
  slideAnnounceTiles(slide: SlideHandle, grid: NativeGrid, places: Float64Array, cancel: Cancel): Promise<void>;
  synthesizeSlide(
    path: string,
    params: {
      width: number;
      height: number;
      seed: number;
      mpp: number | undefined;
      tissue: number | undefined;
      repeat: boolean;
      grade: number | undefined;
    },
    truth: string,
    progress: ((done: number, total: number) => void) | undefined,
    cancel: Cancel,
  ): Promise<{
    nuclei: number;
    fileBytes: number;
    clusters: { kind: 'basophilic' | 'eosinophilic'; x: number; y: number; radiusPx: number }[];
  }>;
  syntheticKinds(): string[];

  weightsOpen(path: string, opaqueGlobals: boolean, cancel: Cancel): Promise<WeightsHandle>;
  weightsInfo(weights: WeightsHandle): { path: string; format: string; names: string[]; metadata: string[] };
  weightsEntry(weights: WeightsHandle, name: string): { dtype: string; shape: number[] };
  weightsGet(weights: WeightsHandle, name: string, cancel: Cancel): Promise<TensorHandle>;
  weightsSha256(weights: WeightsHandle, cancel: Cancel): Promise<string>;
  weightsClose(weights: WeightsHandle): void;
  tensorFrom(data: ArrayBufferView, dtype: string, shape: readonly number[]): TensorHandle;
  tensorInfo(tensor: TensorHandle): { dtype: string; shape: number[] };
  tensorData(tensor: TensorHandle, cancel: Cancel): Promise<ArrayBuffer>;
  tensorClose(tensor: TensorHandle): void;
  selectiveScan(
    tensors: Readonly<Record<string, TensorHandle>>,
    options: NativeScan,
    progress: ((done: number, total: number) => void) | undefined,
    cancel: Cancel,
  ): Promise<{ y: TensorHandle; lastState?: TensorHandle }>;

  modelLoad(weights: WeightsHandle, precision: string, cancel: Cancel): Promise<ModelHandle>;
  hoverfastLoad(weights: WeightsHandle, precision: string, cancel: Cancel): Promise<ModelHandle>;
  hovernetLoad(weights: WeightsHandle, precision: string, cancel: Cancel): Promise<ModelHandle>;
  modelInfo(model: ModelHandle): NativeModelInfo;
  modelDescribe(model: ModelHandle, height: number, width: number): string;
  modelPredict(
    model: ModelHandle,
    images: readonly NativePicture[],
    batched: boolean,
    stain: string,
    patchPx: number,
    cancel: Cancel,
  ): Promise<NativeTensors>;
  modelSegment(model: ModelHandle, image: NativePicture, options: NativeSegment, cancel: Cancel): Promise<NucleiHandle>;
  modelClose(model: ModelHandle): void;
  runStart(model: ModelHandle, slide: SlideHandle, options: NativeSegmentSlide): RunHandle;
  runNext(run: RunHandle): Promise<NativeStep>;
  runStop(run: RunHandle): void;
  runWarnings(run: RunHandle): string[];

  nucleiInfo(nuclei: NucleiHandle): { length: number; height: number; width: number };
  nucleiArray(nuclei: NucleiHandle, name: string): NumberArray | null;
  nucleiMeasurements(nuclei: NucleiHandle): (string | Float32Array)[];
  nucleiShapes(nuclei: NucleiHandle, mppX: number, mppY: number): (string | Float32Array)[];
  nucleiFromOutlines(points: Float32Array, starts: Uint32Array, types: Uint8Array | undefined): NucleiHandle;
  nucleiConcat(lists: readonly NucleiHandle[]): NucleiHandle;
  hoverPostprocess(
    np: TensorHandle,
    hv: TensorHandle,
    tp: TensorHandle | undefined,
    options: NativePostprocess,
    cancel: Cancel,
  ): Promise<NucleiHandle>;

  readerOpen(path: string, format: string, cancel: Cancel): Promise<ReaderHandle>;
  readerInfo(reader: ReaderHandle): NativeReaderInfo;
  readerNext(reader: ReaderHandle, scale: number, cancel: Cancel): Promise<NativeReaderStep>;
  readerClose(reader: ReaderHandle): void;
  readerFormats(): string[];
  nucleiRetyped(nuclei: NucleiHandle, types: Uint8Array): NucleiHandle;
  writerOpen(options: NativeWriterOptions, cancel: Cancel): Promise<WriterHandle>;
  writerWrite(writer: WriterHandle, nuclei: NucleiHandle): Promise<number>;
  writerFinish(writer: WriterHandle): Promise<void>;
  writerClose(writer: WriterHandle): void;
  writerFormats(): string[];
  columnsOpen(options: NativeWriterOptions, cancel: Cancel): Promise<ColumnsHandle>;
  columnsInfo(columns: ColumnsHandle): { provenance: string; classes: string; metric: boolean };
  columnsEncode(columns: ColumnsHandle, nuclei: NucleiHandle, first: number): Promise<NativeColumns>;
  columnsClose(columns: ColumnsHandle): void;
  renderOverlay(
    image: NativePicture,
    nuclei: readonly NucleiHandle[],
    options: NativeOverlay,
    cancel: Cancel,
  ): Promise<NativeImage>;
  encodePng(image: NativePicture, level: number, cancel: Cancel): Promise<Uint8Array>;
}

/** The folder with package.json; lib/ and dist/ both lie right below it. */
export const packageRoot = fileURLToPath(new URL('..', import.meta.url));

const require = createRequire(import.meta.url);

function listPrebuilds(): string {
  const { existsSync, readdirSync } = require('node:fs') as typeof import('node:fs');
  const folder = join(packageRoot, 'prebuilds');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.length === 0 ? 'none' : names.join(', ');
}

function loadNative(): NativeBinding {
  try {
    const load = require('node-gyp-build') as (root: string) => NativeBinding;
    return load(packageRoot);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `histojet cannot load its native addon for ${process.platform}-${process.arch} (Node ${process.version}).\n` +
        `Looked in ${packageRoot}: build/Release, build/Debug, prebuilds (found: ${listPrebuilds()}).\n` +
        'Prebuilt binaries exist for linux-x64 with glibc 2.28 or newer. On another system, with a C++20 compiler and ' +
        `CMake, build from source: npx cmake-js@8 build -d ${packageRoot}\n` +
        `Reason: ${reason}`,
      { cause },
    );
  }
}

/** The addon, loaded once per thread. */
export const native: NativeBinding = loadNative();
