// Checks (or with --write repairs) the layout of all C++ files.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, succeeds } from './process.mjs';

const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'native', 'test', 'bench', 'tools'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  // Git still lists files that were deleted and not yet committed.
  .filter((name) => /\.(cpp|hpp|c|h)$/.test(name) && existsSync(join(root, name)));
const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '--Werror'];
if (files.length > 0 && !succeeds('clang-format', [...mode, ...files])) {
  fail('the layout of C++ files is off; node scripts/clang-format.mjs --write repairs it');
}
