// Checks (or with --write repairs) the layout of all C++ files.
import { execFileSync } from 'node:child_process';
import { root, run } from './process.mjs';

const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'native', 'test', 'bench', 'tools'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((name) => /\.(cpp|hpp|c|h)$/.test(name));
const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '--Werror'];
if (files.length > 0) run('clang-format', [...mode, ...files]);
