// `npm run bench [-- --only GROUP] [-- --json]`: sets up the package and the rivals, then runs bench/run.mjs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, succeeds } from './process.mjs';
import { setUp } from './setup.mjs';

setUp({ bench: true });
const bench = join(root, 'bench');
if (!existsSync(join(bench, 'node_modules'))) {
  // onnxruntime-node would download GPU files in a step of its own; its CPU part needs none.
  run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], { cwd: bench });
}
process.exit(succeeds(process.execPath, [join(bench, 'run.mjs'), ...process.argv.slice(2)]) ? 0 : 1);
