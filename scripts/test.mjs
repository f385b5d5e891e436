// `npm test`: sets everything up, then checks layout and types, and runs the native and the JavaScript tests.

import { runNativeTests } from './native-tests.mjs';
import { run, runInstalled, step } from './process.mjs';
import { setUp } from './setup.mjs';

setUp({ tests: true });
step('Layout and lint');
runInstalled('biome', ['check', '.', '--log-level=warn']);
run(process.execPath, ['scripts/clang-format.mjs']);
runNativeTests();
step('JavaScript tests');
runInstalled('vitest', ['run']);
