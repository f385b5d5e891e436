import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './sources.js';

/**
 * A file compiled for a wide instruction set must not emit weak copies of shared inline functions: the linker may pick
 * them for the whole program, which then fails on older processors.
 */
function variantObjects(): string[] {
  const build = join(root, 'build', 'CMakeFiles');
  if (!existsSync(build)) return [];
  return readdirSync(build, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /_(avx2|avx512|avx512bf16|amx)\.cpp\.o$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

const objects = variantObjects();

test.runIf(objects.length > 0)('variant objects define no weak symbols', () => {
  const weak = objects.flatMap((object) =>
    execFileSync('nm', ['--defined-only', '-C', object], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => /^[0-9a-f]+ [WVu] /.test(line))
      .map((line) => `${object.slice(root.length)}: ${line.slice(17)}`),
  );
  expect(weak).toEqual([]);
});
