// `npm run demo`: sets everything up, then runs `histojet demo` with the arguments given.
import { join } from 'node:path';
import { root, step, succeeds } from './process.mjs';
import { setUp } from './setup.mjs';

setUp();
step('histojet demo');
const done = succeeds(process.execPath, [join(root, 'bin', 'histojet.mjs'), 'demo', ...process.argv.slice(2)]);
process.exit(done ? 0 : 1);
