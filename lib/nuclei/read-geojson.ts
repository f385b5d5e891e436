import { HistojetError } from '../errors.js';
import * as validate from '../internal/validate.js';
import { documentPieces } from './document-pieces.js';
import { FeatureSplitter } from './feature-splitter.js';
import { NucleusList } from './nucleus-list.js';
import { openNuclei } from './nucleus-reader.js';

/** Positions of a geometry: a pair, or lists of them as deep as the geometry's type says. */
export type GeoJsonCoordinates = readonly (number | GeoJsonCoordinates)[];

/** A geometry of a {@link GeoJsonFeature}. */
export interface GeoJsonGeometry {
  /** `'Polygon'`, `'MultiPolygon'`, `'Point'`, … */
  readonly type: string;
  /** As the type says; rings are closed. */
  readonly coordinates: GeoJsonCoordinates;
}

/** One object of a GeoJSON document. */
export interface GeoJsonFeature {
  /** Always `'Feature'`. */
  readonly type: 'Feature';
  /** Name of the object, when it has one. */
  readonly id?: string | number;
  /** Its shape. */
  readonly geometry: GeoJsonGeometry | null;
  /** What else is known, for example QuPath's `objectType`, `classification` and `measurements`. */
  readonly properties: Readonly<Record<string, unknown>>;
}

interface Element {
  readonly type?: unknown;
  readonly features?: unknown;
  readonly coordinates?: unknown;
}

/** The features of one element: itself, the members of a nested collection, or a bare geometry in a new feature. */
function featuresOf(element: unknown, path: string): readonly GeoJsonFeature[] {
  const { type, features, coordinates }: Element = typeof element === 'object' && element !== null ? element : {};
  if (type === 'Feature') return [element as GeoJsonFeature];
  if (type === 'FeatureCollection' && Array.isArray(features)) return features.flatMap((one) => featuresOf(one, path));
  if (typeof type === 'string' && Array.isArray(coordinates)) {
    return [{ type: 'Feature', geometry: element as GeoJsonGeometry, properties: {} }];
  }
  throw new HistojetError(
    'HISTOJET_CORRUPT_FILE',
    `${path}: expected GeoJSON features, got ${validate.kindOf(element)}`,
  );
}

function parse(text: string, path: string): unknown[] {
  try {
    return JSON.parse(`[${text}]`) as unknown[];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HistojetError('HISTOJET_CORRUPT_FILE', `${path}: no valid JSON: ${reason}`, { cause });
  }
}

/**
 * Reads the features of a GeoJSON document of any size one by one, in bounded memory: a FeatureCollection, an array of
 * features, a single one, or one a line; packed with gzip or not (recognised by content).
 *
 * @param path - a local file
 * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_CORRUPT_FILE`
 * @example
 * for await (const feature of readGeoJson('nuclei.geojson.gz')) count(feature.properties.classification);
 */
export async function* readGeoJson(
  path: string,
  options?: { readonly signal?: AbortSignal },
): AsyncGenerator<GeoJsonFeature, void, undefined> {
  validate.text('path', path);
  const signal = validate.signal(options?.signal);
  const splitter = new FeatureSplitter(path);
  for await (const piece of documentPieces(path, signal)) {
    for (const text of splitter.push(piece)) {
      for (const element of parse(text, path)) yield* featuresOf(element, path);
    }
  }
  splitter.end();
}

/**
 * All nuclei of a file, with types where it names classes; see {@link openNuclei}, which says what they are and reads
 * files of any size in bounded memory.
 *
 * @param path - a local file, packed with gzip or not
 * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_CORRUPT_FILE`, `HISTOJET_UNSUPPORTED_FORMAT`
 */
export async function readNuclei(path: string, options?: { readonly signal?: AbortSignal }): Promise<NucleusList> {
  const { signal } = validate.options('options', options);
  const lists: NucleusList[] = [];
  for await (const list of await openNuclei(path, signal === undefined ? {} : { signal })) lists.push(list);
  return NucleusList.concat(lists);
}
