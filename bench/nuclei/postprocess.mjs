// Post-processing of maps, C++ API beside the references' procedure in Python (bench/peers/postprocess_peer.py), and
// windows in parallel.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, makeRow } from '../harness.mjs';
import { buildOwn, outFolder, PeerProcess, root } from '../programs.mjs';
import { fixtureFolder, fixtureMaps, sidePx, syntheticMaps } from './maps.mjs';

const pythonProgram = '/usr/bin/python3';
const peerProgram = join(root, 'bench', 'peers', 'postprocess_peer.py');
const environment = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
const rivalName = 'Python: scikit-image, OpenCV, SciPy';
const windowCount = 32;
const scalingBar = 1.8;
/** Variant, repetitions of the tile, and what the rival has to be beaten by. */
const cases = [
  { variant: 'hovernet', title: 'HoverNet', repeat: 2, bar: 45 },
  { variant: 'hovernet', title: 'HoverNet', repeat: 1, bar: 20 },
  { variant: 'hoverfast', title: 'HoverFast', repeat: 1, bar: 10 },
];

/** Versions of what the rival needs, or why there is none. */
function askPython() {
  const names = ['skimage', 'cv2', 'scipy', 'shapely', 'numpy'];
  const imports = names.map((name) => `import ${name}`).join('; ');
  const program = `${imports}; print(', '.join(m.__name__ + ' ' + m.__version__ for m in (${names.join(', ')})))`;
  const asked = spawnSync(pythonProgram, ['-c', program], { encoding: 'utf8' });
  if (asked.status === 0) return { versions: asked.stdout.trim() };
  return { reason: "python3-skimage, python3-opencv and python3-shapely for Debian's Python" };
}

const useRequest = ({ path, classes }, repeat) => `use ${path} ${sidePx} ${classes} ${repeat}`;

/** Throws when the rival does not compute what the golden results say. */
async function checkGolden(peer) {
  const folder = fixtureFolder();
  if (folder === null) return;
  const { error } = await peer.ask(`check ${folder}`);
  if (error !== null) throw new Error(`bench/peers/postprocess_peer.py does not compute the reference: ${error}`);
}

/** Throws when the rival's instances are not those of our compat mode. */
async function checkEqual(own, peer, maps) {
  for (const process of [own, peer]) await process.ask(useRequest(maps, 1));
  for (const variant of ['hovernet', 'hoverfast']) {
    const files = ['ours', 'theirs'].map((who) => join(outFolder, `labels-${who}.raw`));
    await own.ask(`labels ${variant} ${files[0]}`);
    await peer.ask(`labels ${variant} ${files[1]}`);
    const [ours, theirs] = files.map((file) => readFileSync(file));
    for (const file of files) rmSync(file);
    if (!ours.equals(theirs)) throw new Error(`${maps.name}: the rival finds other instances (${variant}) than we do`);
  }
}

async function speedRow({ own, peer, maps, python, rounds }, { variant, title, repeat, bar }) {
  const side = repeat * sidePx;
  const megapixels = (side * side) / 1e6;
  const shared = {
    workload: `post-processing, ${title} variant, ${side} x ${side}, ${maps.name}`,
    rival: rivalName,
    unit: 'CPU ms/Mpx',
    bar,
  };
  const contenders = {};
  const found = {};
  for (const [name, process] of Object.entries({ ours: own, theirs: peer })) {
    if (process === null) continue;
    await process.ask(useRequest(maps, repeat));
    contenders[name] = async () => {
      const answer = await process.ask(`run ${variant}`);
      found[name] = answer.nuclei;
      return answer;
    };
  }
  const results = await interleave(contenders, rounds);
  const missing = peer === null ? `missing: ${python.reason}; ` : '';
  const counted = found.theirs === undefined ? '' : `, the rival's ${found.theirs}`;
  return makeRow({
    ...shared,
    ours: results.ours.cpuMs / megapixels,
    theirs: results.theirs === undefined ? null : results.theirs.cpuMs / megapixels,
    note: `${missing}C++ API, one core, ${found.ours} nuclei${counted}`,
    kind: 'postprocess',
    variant,
    sidePx: side,
    rivalVersions: python.versions ?? null,
    wallOurs: results.ours.wallMs / megapixels,
    wallTheirs: results.theirs === undefined ? null : results.theirs.wallMs / megapixels,
  });
}

/** Several windows at once, as the pipeline works on them, beside one after the other. */
async function threadRow(maps, rounds, variant) {
  const workload = `post-processing of ${windowCount} windows of ${sidePx} px, ${variant} variant, two threads`;
  const process = new PeerProcess(buildOwn('nuclei_maps_bench'), [], { HISTOJET_THREADS: '2' });
  try {
    await process.ask(useRequest(maps, 1));
    const contender = (threads) => () => process.ask(`windows ${variant} ${windowCount} ${threads}`);
    const { one, two } = await interleave({ one: contender(1), two: contender(2) }, rounds);
    return makeRow({
      workload,
      rival: 'one thread',
      unit: 'wall ms',
      ours: two.wallMs,
      theirs: one.wallMs,
      bar: scalingBar,
      note: 'means something only on an idle machine with two cores',
      kind: 'postprocess',
      variant,
      sidePx,
    });
  } finally {
    process.close();
  }
}

/** All rows of post-processing. */
export async function postprocessRows({ rounds }) {
  const python = askPython();
  const own = new PeerProcess(buildOwn('nuclei_maps_bench'), [], { HISTOJET_THREADS: '1' });
  const peer = python.reason ? null : new PeerProcess(pythonProgram, [peerProgram], environment);
  const rows = [];
  try {
    if (peer !== null) await checkGolden(peer);
    for (const maps of [syntheticMaps(), fixtureMaps()].filter((item) => item !== null)) {
      if (peer !== null) await checkEqual(own, peer, maps);
      for (const item of cases) rows.push(await speedRow({ own, peer, maps, python, rounds }, item));
    }
  } finally {
    own.close();
    peer?.close();
  }
  for (const variant of ['hovernet', 'hoverfast']) rows.push(await threadRow(syntheticMaps(), rounds, variant));
  return rows;
}
