import { type NucleusClass, NucleusList, openNuclei } from '../index.js';
import { callSync } from '../internal/call.js';
import { native } from '../native.js';
import { nucleiHandle, wrapNuclei } from '../nuclei/nucleus-list.js';
import type { ClassNames } from './class-names.js';

/** Class of a nucleus that has none in a file where others have one. */
const unclassified = 'unclassified';

/** How {@link readOutlines} reads. */
export interface OutlineOptions {
  /** Of level 0, to which the coordinates of HoVer-Net documents are scaled; undefined leaves them as they are. */
  readonly magnification: number | undefined;
  readonly signal: AbortSignal;
}

/** The nuclei of a file. */
export interface Outlines {
  /** With the file's own types, if any. */
  readonly nuclei: NucleusList;
  /** Whether the file tells classes. */
  readonly typed: boolean;
  /** Names by type; empty when the file tells numbers only. */
  readonly names: readonly string[];
  /** Names by type that hold for all files of the same model: those of the file's provenance. */
  readonly modelNames: readonly string[];
}

/** The table of classes that our writers leave in the provenance; empty without one. */
function tableOf(provenance: Readonly<Record<string, unknown>> | null): string[] {
  const classes: unknown = provenance?.classes;
  if (!Array.isArray(classes) || classes.length < 2) return [];
  return classes.map((entry: Partial<NucleusClass> | null) => String(entry?.name));
}

/**
 * The nuclei of a file of any format that {@link openNuclei} knows.
 *
 * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_CORRUPT_FILE`, `HISTOJET_UNSUPPORTED_FORMAT`
 */
export async function readOutlines(path: string, { magnification, signal }: OutlineOptions): Promise<Outlines> {
  const reader = await openNuclei(path, { ...(magnification !== undefined && { magnification }), signal });
  const lists: NucleusList[] = [];
  for await (const list of reader) lists.push(list);
  const names = reader.classes.map(({ name }) => name);
  const numbered = names.length === 0 && reader.format === 'hovernet-json' && lists.some(({ types }) => types !== null);
  return {
    nuclei: NucleusList.concat(lists),
    typed: names.length > 0 || numbered,
    names,
    modelNames: tableOf(reader.provenance),
  };
}

/**
 * The same nuclei with the numbers of their classes' names as types. Numbers without names take theirs from `modelNames`,
 * the rest is called `Class 1`, ….
 */
export function withNamedTypes(
  { nuclei, names }: Outlines,
  modelNames: readonly string[],
  known: ClassNames,
): NucleusList {
  const types = nuclei.types;
  const numbers = new Uint8Array(256);
  if (types === null) {
    // A file without types has one class at most.
    numbers[0] = known.numberOf(names.find((name) => name !== unclassified) ?? unclassified);
  } else {
    const table = names.length > 0 ? names : modelNames;
    for (const type of new Set(types)) numbers[type] = known.numberOf(table[type] ?? `Class ${type}`);
  }
  return callSync(() => wrapNuclei(native.nucleiRetyped(nucleiHandle(nuclei), numbers)));
}
