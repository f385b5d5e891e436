// Files of nuclei: GeoJSON.gz beside JSON and zlib of Node, the other formats on their own.
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interleave, makeRow } from '../harness.mjs';
import { buildOwn, outFolder, PeerProcess } from '../programs.mjs';

const peer = fileURLToPath(new URL('files-peer.mjs', import.meta.url));
const rivals = { write: 'JSON.stringify + zlib.gzipSync', read: 'zlib.gunzipSync + JSON.parse' };
/** Nuclei per CPU second that are asked for. */
const bars = { write: 200_000, read: 300_000 };
/** The rival takes a minute for a round of the long list, and has no string for a million nuclei. */
const lengths = [{ count: 100_000 }, { count: 500_000, mostRounds: 3 }];
const unit = 'nuclei/CPU s';
const folder = join(outFolder, 'nuclei-files');
const fileOf = (format) => join(folder, `nuclei-${format}`);
const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ' ');

async function ask(process, request) {
  const answer = await process.ask(request);
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

const start = (heapMb) =>
  new PeerProcess(process.execPath, ['--expose-gc', `--max-old-space-size=${heapMb}`, peer], { HISTOJET_THREADS: '1' });

/** A request as contender; throws when not all nuclei came through. */
function contender(process, request, count) {
  return async () => {
    const answer = await ask(process, request);
    if (answer.count !== count) throw new Error(`${request}: ${answer.count} nuclei, expected ${count}`);
    return answer;
  };
}

const megabytes = (path) => `${(statSync(path).size / 1e6).toFixed(1)} MB`;

const rate = (count, result) => (result === undefined ? null : (1000 * count) / result.cpuMs);

/** The rival with our nuclei as objects, or the reason why it cannot have them. */
async function startJson(path) {
  const rival = start(8192);
  try {
    await ask(rival, `load ${path}`);
    return { rival };
  } catch (error) {
    rival.close();
    return { reason: `JSON in Node: ${error.message}` };
  }
}

/** Writing and reading GeoJSON.gz, ours in C++ and JavaScript beside Node's own means. */
async function geojsonRows({ own, native, count, rounds }) {
  const [plain, ours, core, theirs] = ['geojson', 'geojson.gz', 'core.geojson.gz', 'json.geojson.gz'].map(fileOf);
  await ask(own, `write geojson ${plain}`);
  const { rival, reason } = await startJson(plain);
  const rows = [];
  for (const verb of ['write', 'read']) {
    const requests =
      verb === 'write'
        ? { ours: `write geojson.gz ${ours}`, core: `write geojson.gz ${count} ${core}`, json: `json-write ${theirs}` }
        : { ours: `read ${ours}`, core: `read ${core}`, json: `json-read ${theirs}` };
    const results = await interleave(
      {
        ours: contender(own, requests.ours, count),
        core: contender(native, requests.core, count),
        ...(rival && { json: contender(rival, requests.json, count) }),
      },
      rounds,
    );
    const shared = { rival: rivals[verb], unit, higherIsBetter: true, kind: 'files', format: 'geojson.gz', count };
    const missing = reason === undefined ? '' : `missing: ${reason}; `;
    for (const [key, api] of Object.entries({ ours: 'JavaScript API', core: 'C++ API' })) {
      rows.push(
        makeRow({
          ...shared,
          workload: `GeoJSON.gz, ${verb} ${grouped(count)} nuclei, ${api}`,
          ours: rate(count, results[key]),
          theirs: rate(count, results.json),
          bar: bars[verb],
          barOn: 'rate',
          note: `${missing}file of ${megabytes(ours)}${rival ? `, the rival's ${megabytes(theirs)}` : ''}`,
          wallOurs: results[key].wallMs,
          wallTheirs: results.json?.wallMs ?? null,
        }),
      );
    }
  }
  rival?.close();
  return rows;
}

/** The other formats, without a rival. Reading needs a reader for what the file really is. */
async function otherRows({ own, histojet, count, rounds }) {
  const rows = [];
  for (const format of histojet.writerFormats.filter((name) => name !== 'geojson.gz')) {
    const path = fileOf(format);
    const readable = histojet.readerFormats.includes(format);
    const results = await interleave(
      {
        write: contender(own, `write ${format} ${path}`, count),
        ...(readable && { read: contender(own, `read ${path}`, count) }),
      },
      rounds,
    );
    for (const [verb, result] of Object.entries(results)) {
      rows.push(
        makeRow({
          workload: `${format}, ${verb} ${grouped(count)} nuclei, JavaScript API`,
          rival: 'none (absolute)',
          unit,
          ours: rate(count, result),
          higherIsBetter: true,
          note: `file of ${megabytes(path)}`,
          kind: 'files',
          format,
          count,
          wallOurs: result.wallMs,
        }),
      );
    }
  }
  return rows;
}

/** All rows of files. */
export async function fileRows({ histojet, rounds }) {
  mkdirSync(folder, { recursive: true });
  const native = new PeerProcess(buildOwn('nuclei_files_bench'), [], { HISTOJET_THREADS: '1' });
  const own = start(4096);
  const rows = [];
  try {
    for (const { count, mostRounds = rounds } of lengths) {
      await ask(own, `make ${count}`);
      rows.push(...(await geojsonRows({ own, native, count, rounds: Math.min(rounds, mostRounds) })));
      if (count === lengths[0].count) rows.push(...(await otherRows({ own, histojet, count, rounds })));
    }
  } finally {
    own.close();
    native.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}
