import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './sources.js';

/** The page as the script would write it now, made in a process of its own because the script is plain JavaScript. */
function generated(): string {
  const script = join(root, 'scripts', 'performance-page.mjs');
  const program = `import { performancePage } from ${JSON.stringify(script)}; process.stdout.write(performancePage());`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
}

test('docs/performance.md is up to date with bench/results (npm run docs:performance)', () => {
  expect(readFileSync(join(root, 'docs', 'performance.md'), 'utf8')).toBe(generated());
});

test('every place of the template is filled', () => {
  expect(generated()).not.toMatch(/\{\{|undefined|NaN/);
});
