// Joins the modules that tsc has put into dist/ to a few files, because Node takes about half a millisecond for every
// module that it loads: the library becomes one file, and the command line a few that are loaded when a command needs
// them. Declarations stay as they are.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { fail, root, step } from './process.mjs';

/** What users, the program and the Worker of Parquet files load. */
const entries = {
  index: 'index.js',
  'cli/main': 'cli/main.js',
  'parquet-worker': 'writers/parquet/parquet-worker.js',
};

/** Files of their own beside index.js; all others belong to the command line. */
const atTop = new Set(['errors', 'library', 'parquet-backend']);

/** Help works without the addon: what it needs stays apart from the library. */
const withoutAddon = /^[\\/](errors|internal[\\/]remote-causes)\.js$/;
/** Parquet is loaded when it is written. */
const library = /^[\\/](?!cli[\\/]|writers[\\/]parquet[\\/])/;

/** Hands on the maps that lie beside the modules. */
const sourceMaps = {
  name: 'source-maps',
  load(id) {
    const map = `${id}.map`;
    return existsSync(map) ? { code: readFileSync(id, 'utf8'), map: JSON.parse(readFileSync(map, 'utf8')) } : null;
  },
};

async function joinModules(folder) {
  const below = (pattern) => (id) => pattern.test(id.slice(folder.length));
  const build = await rolldown({
    cwd: folder,
    input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, join(folder, file)])),
    platform: 'node',
    external: (id) => !/^[./]/.test(id), // packages stay in node_modules
    plugins: [sourceMaps],
  });
  const { output } = await build.generate({
    format: 'esm',
    sourcemap: true,
    comments: false, // a quarter of what Node would have to read; declarations keep theirs
    entryFileNames: '[name].js',
    chunkFileNames: ({ name }) => (atTop.has(name) ? '[name].js' : 'cli/[name].js'),
    codeSplitting: {
      groups: [
        { name: 'errors', test: below(withoutAddon), priority: 1 },
        { name: 'library', test: below(library) },
      ],
    },
  });
  await build.close();
  return output;
}

/** Bundles `folder`, which tsc has just filled. */
export async function bundle(folder) {
  if (!existsSync(join(folder, 'native.js'))) fail(`no modules in ${folder}: run tsc first`);
  const files = await joinModules(folder);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (/\.js(\.map)?$/.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
  }
  for (const file of files) {
    const path = join(folder, file.fileName);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.type === 'chunk' ? file.code : file.source);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  step('Joining the modules');
  await bundle(resolve(process.argv[2] ?? join(root, 'dist')));
}
