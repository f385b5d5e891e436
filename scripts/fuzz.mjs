// `npm run fuzz [-- --seconds N] [-- --only NAME]`: builds the libFuzzer targets and runs each for a while on seeds that
// the package makes (out/fuzz-seeds) and on fixtures. New inputs are kept in out/fuzz-corpus, findings in
// out/fuzz-findings.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeSeeds } from './fuzz-seeds.mjs';
import { hasProgram, root, run, step } from './process.mjs';
import { setUp } from './setup.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '120' }, only: { type: 'string' } } });

setUp({ fuzz: true });
const folder = join(root, 'out', 'fuzz');
step('Building the fuzz targets');
const generator = hasProgram('ninja') ? ['-G', 'Ninja'] : [];
run('cmake', [
  '-S',
  root,
  '-B',
  folder,
  ...generator,
  '-DHISTOJET_FUZZ=ON',
  '-DHISTOJET_SANITIZE=address,undefined',
  '-DCMAKE_C_COMPILER=clang',
  '-DCMAKE_CXX_COMPILER=clang++',
  '--log-level=WARNING',
]);
run('cmake', ['--build', folder, '--parallel', '2'], { stdio: ['ignore', 'ignore', 'inherit'] });

/** Further folders of first inputs; those of the shared fixtures are used where they exist. */
const slides = ['../shared/fixtures/wsi', '../shared/fixtures/wsi/malformed'];
const fixtures = {
  tiff_fuzz: slides,
  vendors_fuzz: slides,
  dicom_fuzz: ['../shared/fixtures/wsi/dicom', '../shared/fixtures/wsi/malformed'],
  sakura_fuzz: slides,
  nucleus_reader_fuzz: ['test/fixtures/nuclei'],
  safetensors_fuzz: ['test/fixtures/weights', '../shared/fixtures/zoo/formats/valid'],
  torch_checkpoint_fuzz: ['test/fixtures/weights', '../shared/fixtures/zoo/formats/valid'],
};

const seeds = await makeSeeds(join(root, 'out', 'fuzz-seeds'));
const findings = join(root, 'out', 'fuzz-findings');
mkdirSync(findings, { recursive: true });
const targets = readdirSync(join(root, 'test', 'fuzz'))
  .filter((file) => file.endsWith('_fuzz.cpp'))
  .map((file) => file.replace('.cpp', ''))
  .filter((name) => values.only === undefined || name === values.only);
for (const name of targets) {
  const corpus = join(root, 'out', 'fuzz-corpus', name);
  mkdirSync(corpus, { recursive: true });
  step(`Fuzzing ${name} for ${values.seconds} s`);
  const start = (fixtures[name] ?? []).map((path) => join(root, path)).filter((path) => existsSync(path));
  if (seeds[name] !== undefined) start.push(seeds[name]);
  run(
    join(folder, name),
    [
      corpus,
      ...start,
      `-max_total_time=${values.seconds}`,
      `-artifact_prefix=${findings}/`,
      '-timeout=10',
      '-rss_limit_mb=1024',
      '-max_len=1000000',
      '-print_final_stats=1',
      '-verbosity=0',
    ],
    {
      env: { ...process.env, ASAN_OPTIONS: 'allocator_may_return_null=1:detect_leaks=1' },
    },
  );
}
