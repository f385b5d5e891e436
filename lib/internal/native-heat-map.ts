import type { CancelHandle, DensityHandle, NativeImage, NativePicture, NativeRect, NucleiHandle } from '../native.js';

type Cancel = CancelHandle | undefined;

export interface NativeDensityArea extends NativeRect {
  readonly cellX: number;
  readonly cellY: number;
  readonly mppX: number;
  readonly mppY: number;
}
export interface NativeDensitySelection {
  readonly type: number | undefined;
  readonly sigmaX: number;
  readonly sigmaY: number;
}
/** Numbers on a grid. */
export interface NativeGridValues {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** The addon's functions for heat maps and density maps. */
export interface NativeHeatMaps {
  heatMapRender(
    grid: NativeGridValues,
    options: { readonly colormap: string; readonly max: number | undefined; readonly channels: 1 | 3 | 4 },
    cancel: Cancel,
  ): Promise<{ readonly image: NativeImage; readonly max: number }>;
  heatMapOverlay(
    image: NativePicture,
    grid: NativeGridValues,
    options: {
      readonly colormap: string;
      readonly max: number | undefined;
      readonly opacity: number;
      readonly cellWidth: number;
      readonly cellHeight: number;
    },
    cancel: Cancel,
  ): Promise<{ readonly image: NativeImage; readonly max: number }>;
  densityOpen(area: NativeDensityArea, types: number): DensityHandle;
  densitySize(density: DensityHandle): { width: number; height: number };
  densityAdd(density: DensityHandle, nuclei: NucleiHandle, cancel: Cancel): Promise<void>;
  densityCounts(density: DensityHandle, types: number): Promise<Float64Array>;
  densityValues(density: DensityHandle, selection: NativeDensitySelection, cancel: Cancel): Promise<Float32Array>;
  densityRender(
    density: DensityHandle,
    options: NativeDensitySelection & { colormap: string; max: number | undefined; channels: 1 | 3 | 4 },
    cancel: Cancel,
  ): Promise<{ image: Omit<NativeImage, 'channels'> & { channels: number }; max: number }>;
  colormapColors(colormap: string, count: number): Uint8Array;
  colormaps(): string[];
}
