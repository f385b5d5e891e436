export { type ArgumentError, errorCodes, HistojetError, type HistojetErrorCode } from './errors.js';
export type { Image, ImageInput } from './internal/image.js';
export type { Progress, ProgressListener } from './internal/progress.js';
export type { Rect } from './internal/rect.js';
export { type SystemInfo, systemInfo, version } from './internal/system-info.js';
export { type AdjacentMatchingOptions, adjacentMatching } from './merging/adjacent-matching.js';
export {
  type BipartiteMatchingOptions,
  bipartiteSoftMatching,
  type KthBipartiteMatchingOptions,
  kthBipartiteSoftMatching,
} from './merging/bipartite-matching.js';
export type { MatchingOptions } from './merging/match.js';
export { type PartitionMatchingOptions, partitionSoftMatching2d } from './merging/partition-matching.js';
export type { MergeMode, TokenMerging } from './merging/token-merging.js';
export { Attribution } from './models/attribution.js';
export type {
  AttributionTest,
  AttributionTestOptions,
  PerturbationCurve,
  PerturbationCurves,
} from './models/attribution-test-types.js';
export type {
  AttributionOptions,
  RelevanceMap,
  RelevanceOverlayOptions,
  RelevancePart,
  RelevanceRenderOptions,
  RelevanceTiffOptions,
} from './models/attribution-types.js';
export { defaultWeightsPath, HoverFast } from './models/hover-fast.js';
export { HoverNet, type HoverNetPredictOptions } from './models/hover-net.js';
export { loadModel } from './models/load-model.js';
export {
  MambaMil,
  type MambaMilConfig,
  type MambaMilOptions,
  type MilClassification,
  type MilPrediction,
  type MilPredictOptions,
  type MilSurvival,
} from './models/mamba-mil.js';
export type { ModelOptions, Precision } from './models/model-options.js';
export type { ModelInfo, NucleiModel, PredictedMaps, PredictOptions } from './models/nuclei-model.js';
export { Occlusion } from './models/occlusion.js';
export type { OccludedSquare, OcclusionMap, OcclusionOptions } from './models/occlusion-types.js';
export type { PictureModel, PictureModelOptions, PicturePrediction } from './models/picture-model.js';
export { defaultPixelMambaPath, PixelMamba, type PixelMambaLoadOptions } from './models/pixel-mamba.js';
export type {
  ClassificationPrediction,
  CoxPrediction,
  OrdinalPrediction,
  PixelMambaHead,
  PixelMambaInfo,
  PixelMambaOptions,
  PixelMambaPrediction,
  RegressionPrediction,
  SurvivalPrediction,
} from './models/pixel-mamba-types.js';
export { type PlacedMap, PlacedMaps } from './models/placed-maps.js';
export type { SegmentOptions, SegmentSlideOptions, Stain } from './models/segment-options.js';
export type { ChosenClass, TokenModelInfo, TokenModelOptions } from './models/token-model-info.js';
export { VisionMamba, type VisionMambaConfig, type VisionMambaOptions } from './models/vision-mamba.js';
export { VMamba, type VMambaConfig, type VMambaOptions } from './models/vmamba.js';
export { type HoverPostprocessOptions, hoverPostprocess, type NucleiMaps } from './nuclei/hover-postprocess.js';
export { type MeasureShapesOptions, measureShapes } from './nuclei/measure-shapes.js';
export { type LabelMap, type Measurements, type Nucleus, NucleusList, type Ring } from './nuclei/nucleus-list.js';
export {
  NucleusReader,
  type NucleusReaderFormat,
  type OpenNucleiOptions,
  openNuclei,
  readerFormats,
} from './nuclei/nucleus-reader.js';
export type { MinArea, MinAreaPx, MinAreaUm2, PostprocessOptions } from './nuclei/postprocess-options.js';
export {
  type GeoJsonCoordinates,
  type GeoJsonFeature,
  type GeoJsonGeometry,
  readGeoJson,
  readNuclei,
} from './nuclei/read-geojson.js';
export { type HoverNetJsonOptions, readHoverNetJson } from './nuclei/read-hovernet-json.js';
export { type SegmentationScores, scoreLabels, scoreNuclei } from './nuclei/score.js';
export { type ClassificationScores, scoreNucleusTypes, type TypeScores } from './nuclei/score-types.js';
export type { SegmentationProgress, SlideSegmentation } from './pipeline/slide-segmentation.js';
export { type CausalConv1dInput, causalConv1d } from './scan/causal-conv1d.js';
export { type Scan2dInput, scan2d } from './scan/scan-2d.js';
export {
  type ScanLayout,
  type SelectiveScanInput,
  type SelectiveScanResult,
  selectiveScan,
} from './scan/selective-scan.js';
export { type SsdScanInput, ssdScan } from './scan/ssd-scan.js';
export type {
  CreatedSlide,
  CreateSlideOptions,
  HeatMap,
  NewSlideSource,
  NewTile,
  SlidePart,
  TileSource,
} from './slide/create-slide.js';
export type { DeepZoom, DeepZoomLevel, DeepZoomOptions } from './slide/deep-zoom.js';
export type { BatchRequest } from './slide/read-batch.js';
export { Slide } from './slide/slide.js';
export type {
  DamagedTile,
  ReadAtRequest,
  RegionRequest,
  SlideLevel,
  SlideMpp,
  SlideOptions,
  TilesOptions,
  TissueMask,
  TissueOptions,
} from './slide/slide-types.js';
export {
  type SynthesizedSlide,
  type SynthesizeOptions,
  type SyntheticCluster,
  type SyntheticGrade,
  synthesizeSlide,
  syntheticKinds,
} from './slide/synthesize-slide.js';
export type { SlideTile } from './slide/tiles.js';
export type { DType, TypedArray } from './tensor/dtype.js';
export { Tensor, type TensorData, type TensorInput, type TensorOptions } from './tensor/tensor.js';
export { type WeightEntry, Weights, type WeightsOptions } from './weights/weights.js';
export { colormaps, DensityMap } from './writers/density-map.js';
export type {
  Colormap,
  DensityMapOptions,
  DensityRenderOptions,
  DensitySource,
  DensityTiffOptions,
  DensityValues,
  DensityValuesOptions,
} from './writers/density-types.js';
export { encodeGeoJson } from './writers/encode-geojson.js';
export {
  createWriter,
  type ModelProvenance,
  type NucleusClass,
  type NucleusFormat,
  NucleusWriter,
  type WriterOptions,
  writerFormats,
} from './writers/nucleus-writer.js';
export { encodePng, type OverlayOptions, renderOverlay } from './writers/pictures.js';
export { renderSlideOverlay, SlideOverlay, type SlideOverlayOptions } from './writers/slide-overlay.js';
