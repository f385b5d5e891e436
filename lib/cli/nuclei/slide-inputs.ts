import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { UsageError } from '../exit-codes.js';

/** One slide of a batch. */
export interface SlideInput {
  readonly path: string;
  /** What its results are called: the file's name without extension, below the folder that was named. */
  readonly name: string;
}

/** What `histojet nuclei SLIDE…` stands for. */
export interface SlideInputs {
  readonly slides: readonly SlideInput[];
  /** A folder or a pattern was named: results go into a folder even when only one slide was found. */
  readonly many: boolean;
}

/** Endings of slide files; what else lies in a folder of slides (masks, results, plain pictures) is not for us. */
const endings = /\.(ome\.tiff?|svs|svslide|tiff?|ndpi|vms|vmu|scn|mrxs|bif|czi|vsi|isyntax|qptiff)$/i;
/** Folders that are slides themselves. */
const zarr = /(\.ome)?\.zarr$/i;
const magic = /[*?[\]{}!()]/;

function nameOf(path: string): string {
  const name = basename(path);
  const ending = endings.exec(name) ?? zarr.exec(name) ?? /\.[^.]+$/.exec(name);
  return ending === null || ending.index === 0 ? name : name.slice(0, ending.index);
}

function isSlideFolder(path: string, entries: readonly Dirent[]): boolean {
  return (
    zarr.test(path) || entries.some((entry) => /\.dcm$/i.test(entry.name) || /^(\.zattrs|zarr\.json)$/.test(entry.name))
  );
}

async function listed(folder: string): Promise<readonly Dirent[]> {
  return (await readdir(folder, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Paths of the slides in a folder and the folders in it; hidden ones are left out. */
async function slidesIn(folder: string, entries: readonly Dirent[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const folderLike =
      entry.isDirectory() || (entry.isSymbolicLink() && (await stat(path).catch(() => null))?.isDirectory());
    if (!folderLike) {
      if (endings.test(entry.name)) found.push(path);
      continue;
    }
    if (zarr.test(entry.name)) {
      found.push(path);
      continue;
    }
    // Links to folders may lead back up.
    if (!entry.isDirectory()) continue;
    const inner = await listed(path);
    if (isSlideFolder(path, inner)) found.push(path);
    else found.push(...(await slidesIn(path, inner)));
  }
  return found;
}

async function expandFolder(folder: string): Promise<SlideInputs> {
  const entries = await listed(folder);
  if (isSlideFolder(resolve(folder), entries))
    return { slides: [{ path: folder, name: nameOf(resolve(folder)) }], many: false };
  const paths = await slidesIn(folder, entries);
  if (paths.length === 0)
    throw new UsageError(`${folder} holds no slides`, 'docs/formats.md lists the endings of slide files');
  const slides = paths.map((path) => ({ path, name: join(dirname(relative(folder, path)), nameOf(path)) }));
  return { slides, many: true };
}

async function expandPattern(pattern: string): Promise<SlideInputs> {
  const { glob } = await import('tinyglobby');
  const paths = (
    await glob(pattern, { onlyFiles: false, expandDirectories: false, followSymbolicLinks: false })
  ).sort();
  if (paths.length === 0) throw new UsageError(`no file fits ${pattern}`);
  return { slides: paths.map((path) => ({ path: path.replace(/\/$/, ''), name: nameOf(path) })), many: true };
}

async function expandOne(given: string): Promise<SlideInputs> {
  const found = await stat(given).catch(() => null);
  if (found?.isDirectory()) return expandFolder(given);
  // Addresses hold characters of patterns too; what cannot be found is for Slide.open to tell.
  if (found === null && magic.test(given) && !/^https?:/i.test(given)) return expandPattern(given);
  return { slides: [{ path: given, name: nameOf(given) }], many: false };
}

/**
 * The slides that files, folders (with the folders in them) and patterns name, each once.
 *
 * @throws UsageError for a folder without slides, a pattern that fits nothing, and two slides of one name
 */
export async function expandSlides(given: readonly string[]): Promise<SlideInputs> {
  const slides = new Map<string, SlideInput>();
  let many = given.length > 1;
  for (const one of given) {
    const expanded = await expandOne(one);
    many ||= expanded.many;
    for (const slide of expanded.slides) {
      const key = /^https?:/i.test(slide.path) ? slide.path : resolve(slide.path);
      if (!slides.has(key)) slides.set(key, slide);
    }
  }
  const names = new Map<string, string>();
  for (const { path, name } of slides.values()) {
    const other = names.get(name.toLowerCase());
    if (other !== undefined) {
      throw new UsageError(
        `${other} and ${path} would both be written as ${name}`,
        'run them apart, or name the folder that holds both: results then keep its folders',
      );
    }
    names.set(name.toLowerCase(), path);
  }
  return { slides: [...slides.values()], many };
}
