// Builds and runs the tests of the core, which need no Node. Plain ones share the addon's build folder and so its
// objects; sanitizers have folders of their own.
import { join } from 'node:path';
import { hasProgram, root, run, step } from './process.mjs';

/** Builds and runs the native tests; `sanitize` names sanitizers, `only` limits to folders of test/native. */
export function runNativeTests({ sanitize = '', only = [] } = {}) {
  const folder = sanitize === '' ? join(root, 'build') : join(root, 'out', `core-${sanitize.replaceAll(',', '-')}`);
  step(sanitize === '' ? 'Native tests' : `Native tests under ${sanitize}`);
  const generator = sanitize !== '' && hasProgram('ninja') ? ['-G', 'Ninja'] : [];
  run('cmake', [
    '-S',
    root,
    '-B',
    folder,
    ...generator,
    '-DHISTOJET_TESTS=ON',
    `-DHISTOJET_SANITIZE=${sanitize}`,
    '--log-level=WARNING',
  ]);
  const targets = only.length > 0 ? ['--target', ...only.map((entry) => `test_${entry}`)] : [];
  run('cmake', ['--build', folder, '--parallel', '2', ...targets], { stdio: ['ignore', 'ignore', 'inherit'] });
  const filter = only.length > 0 ? ['-R', `^(${only.join('|')})$`] : [];
  run('ctest', ['--test-dir', folder, '--output-on-failure', '--timeout', '600', '--parallel', '2', ...filter], {
    env: {
      ...process.env,
      ASAN_OPTIONS: 'detect_leaks=1:allocator_may_return_null=1',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
      TSAN_OPTIONS: 'halt_on_error=1',
    },
  });
}
