import { type GeoJsonFeature, HistojetError, NucleusList, type Ring, readGeoJson, readHoverNetJson } from '../index.js';
import { documentPieces } from '../nuclei/document-pieces.js';
import { outerRings } from '../nuclei/read-geojson.js';
import type { ClassNames } from './class-names.js';

/** Nuclei per native list while a file is read: what JavaScript holds of a file stays small. */
const batchSize = 16384;

/** Class of a nucleus that has none in a file where others have one. */
const unclassified = 'unclassified';

/** How {@link readOutlines} reads. */
export interface OutlineOptions {
  /** Numbers of the classes' names. */
  readonly names: ClassNames;
  /** Of level 0, to which the coordinates of HoVer-Net documents are scaled; undefined leaves them as they are. */
  readonly magnification: number | undefined;
  readonly signal: AbortSignal;
}

/** The nuclei of a file. */
export interface Outlines {
  /** With the numbers of their classes' names as types. */
  readonly nuclei: NucleusList;
  /** Whether the file tells classes. */
  readonly typed: boolean;
}

/** Whether a document is HoVer-Net's rather than GeoJSON, by its first piece. */
async function isHoverNet(path: string, signal: AbortSignal): Promise<boolean> {
  for await (const piece of documentPieces(path, signal)) {
    const head = piece.toString('latin1');
    return /"nuc"\s*:\s*\{/.test(head) && !/"type"\s*:\s*"/.test(head);
  }
  return false;
}

/** The name of a feature's class as QuPath and others write it; undefined without one. */
function classOf({ properties }: GeoJsonFeature): string | undefined {
  const classification: unknown = properties?.classification;
  if (typeof classification === 'string') return classification || undefined;
  if (typeof classification !== 'object' || classification === null) return undefined;
  const { name, names }: { name?: unknown; names?: unknown } = classification;
  if (typeof name === 'string' && name !== '') return name;
  return Array.isArray(names) && names.length > 0 ? names.map(String).join(': ') : undefined;
}

function checkRing(ring: Iterable<unknown>, path: string, index: number): void {
  for (const point of ring) {
    if (Array.isArray(point) && Number.isFinite(point[0]) && Number.isFinite(point[1])) continue;
    throw new HistojetError(
      'HISTOJET_CORRUPT_FILE',
      `${path}: feature ${index} has a position that is no pair of finite numbers`,
    );
  }
}

async function readGeoJsonOutlines(path: string, { names, signal }: OutlineOptions): Promise<Outlines> {
  const lists: NucleusList[] = [];
  let rings: Ring[] = [];
  let types: number[] = [];
  let typed = false;
  let index = 0;
  const flush = (): void => {
    if (rings.length > 0) lists.push(NucleusList.fromContours(rings, { types }));
    rings = [];
    types = [];
  };
  for await (const feature of readGeoJson(path, { signal })) {
    const name = classOf(feature);
    for (const ring of outerRings(feature.geometry)) {
      if (ring.length < 3) continue;
      checkRing(ring, path, index);
      rings.push(ring);
      types.push(names.numberOf(name ?? unclassified));
      typed ||= name !== undefined;
    }
    index += 1;
    if (rings.length >= batchSize) flush();
  }
  flush();
  return { nuclei: NucleusList.concat(lists), typed };
}

/** The same outlines with the numbers of `Class 1`, … as types. */
function withNamedTypes(list: NucleusList, names: ClassNames): NucleusList {
  const types = Uint8Array.from({ length: list.length }, (_, i) => {
    const type = list.types?.[i];
    return names.numberOf(type === undefined ? unclassified : `Class ${type}`);
  });
  return NucleusList.fromContours(
    Array.from({ length: list.length }, (_, i) => list.contour(i)),
    { types },
  );
}

async function readHoverNetOutlines(path: string, options: OutlineOptions): Promise<Outlines> {
  const { names, magnification, signal } = options;
  const lists: NucleusList[] = [];
  let typed = false;
  for await (const list of readHoverNetJson(path, { ...(magnification !== undefined && { magnification }), signal })) {
    typed ||= list.types !== null;
    lists.push(withNamedTypes(list, names));
  }
  return { nuclei: NucleusList.concat(lists), typed };
}

/**
 * The nuclei of a GeoJSON or HoVer-Net document, packed with gzip or not; which one it is, its content tells. HoVer-Net's
 * numbers become the names `Class 1`, ….
 *
 * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_CORRUPT_FILE`, `HISTOJET_UNSUPPORTED_FORMAT`
 */
export async function readOutlines(path: string, options: OutlineOptions): Promise<Outlines> {
  const hoverNet = await isHoverNet(path, options.signal);
  return hoverNet ? readHoverNetOutlines(path, options) : readGeoJsonOutlines(path, options);
}
