// Whole pictures through a Pixel-Mamba with computed weights: time and memory as the picture grows.
import { availableParallelism } from 'node:os';
import { makeRow } from '../harness.mjs';
import { buildOwn, PeerProcess } from '../programs.mjs';

const preset = 'pm-nano';
const sides = { region: [2048, 4096, 8192, 16_384, 32_768], global: [2048, 4096, 8192, 16_384] };
/** Of memory for tokens that wait, where stages look back over the whole picture. */
const storeMiB = 256;
const growthBar = 1.2;
const growthSides = { small: 2048, large: 16_384 };

async function runFresh(side, scope) {
  const threads = availableParallelism();
  const process = new PeerProcess(buildOwn('pixel_mamba_bench'), [], { HISTOJET_THREADS: String(threads) });
  try {
    return await process.ask(`run ${preset} ${side} high ${threads} ${storeMiB} ${scope}`);
  } finally {
    process.close();
  }
}

const scopes = { region: 'region scope', global: 'global stages from 8 px, 256 MiB for waiting tokens' };

async function rowsOfScope(scope) {
  const grown = new Map();
  const rows = [];
  for (const side of sides[scope]) {
    const answer = await runFresh(side, scope);
    grown.set(side, answer.grown_mb);
    const shared = { kind: 'picture', preset, side, scope, threads: availableParallelism(), rival: 'none (absolute)' };
    const title = `Pixel-Mamba ${preset}, ${side} x ${side} px, high, ${scopes[scope]}`;
    const spilled = answer.spilled_mb > 0 ? `${answer.spilled_mb.toFixed(0)} MB waited in a file` : '';
    rows.push(
      makeRow({ ...shared, workload: title, unit: 'CPU ms/Mpx', ours: answer.core_ms_per_mpx, note: spilled }),
      makeRow({
        ...shared,
        workload: `${title}, time`,
        unit: 'wall s',
        ours: (answer.wall_ms_per_mpx * side * side) / 1e9,
      }),
      makeRow({ ...shared, workload: `${title}, memory`, unit: 'MB', ours: answer.grown_mb }),
    );
  }
  if (scope !== 'region') return rows;
  const { small, large } = growthSides;
  return [
    ...rows,
    makeRow({
      workload: `Pixel-Mamba ${preset}, memory of ${large} px beside ${small} px, ${scopes[scope]}`,
      rival: 'none (absolute)',
      unit: 'x',
      ours: grown.get(large) / grown.get(small),
      bar: growthBar,
      barOn: 'ours',
      kind: 'picture',
      preset,
      scope,
    }),
  ];
}

/** All rows of whole pictures. */
export async function pictureRows() {
  const rows = [];
  for (const scope of Object.keys(scopes)) rows.push(...(await rowsOfScope(scope)));
  return rows;
}
