import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { beforeAll, expect, test } from 'vitest';
import { type Misbehaviour, RangeServer } from '../lib/slide/range-server.js';
import { smallSlide, temporaryFolder } from '../lib/support.js';
import { root, runProgram } from './programs.js';

const folder = temporaryFolder();
const library = join(folder, 'package/dist/index.js');
let slide = '';
let bytes: Buffer;

/** The package with lib/ as it is now in JavaScript, for programs and Workers that cannot load TypeScript. */
function stagePackage(): void {
  const target = join(folder, 'package');
  for (const file of readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(root, 'lib', file), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
    });
    const out = join(target, 'dist', file.replace(/ts$/, 'js'));
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, outputText);
  }
  for (const name of ['build', 'prebuilds', 'node_modules', 'package.json']) {
    symlinkSync(join(root, name), join(target, name));
  }
}

beforeAll(async () => {
  stagePackage();
  slide = (await smallSlide(folder)).path;
  bytes = Buffer.concat([readFileSync(slide), Buffer.alloc(3 << 20)]);
});

/** Opening and pixels work; the fingerprint, which needs the last MiB, waits for ever. */
const silentAtTheEnd: Misbehaviour = ({ first }) => first >= bytes.length - (2 << 20);

/** Opens the slide at `url`, then lets all threads of the executor wait, with more reads behind them. */
const reader = `
const { parentPort, workerData } = require('node:worker_threads');
(async () => {
  const { Slide } = await import(workerData.library);
  const slide = await Slide.open(workerData.url);
  for (let i = 0; i < 8; ++i) slide.fingerprint().catch(() => {});
  for (let i = 0; i < 8; ++i) slide.readRegion({ x: 100, y: 100, width: 200, height: 100 }).catch(() => {});
  parentPort.postMessage('waiting');
})();
`;

test('an open remote slide does not keep the process alive', async () => {
  await using server = await RangeServer.start(bytes);
  const { code, output, seconds } = await runProgram(`
    import(${JSON.stringify(library)}).then(async ({ Slide }) => {
      const slide = await Slide.open(${JSON.stringify(server.url)});
      await slide.readRegion({ x: 0, y: 0, width: 1040, height: 330 });
      globalThis.kept = slide;
      console.log('read', performance.now() < 60000);
    });`);
  expect({ code, output }).toEqual({ code: 0, output: 'read true\n' });
  expect(seconds).toBeLessThan(20);
});

test('process.exit() does not wait for a server', async () => {
  await using server = await RangeServer.start(bytes);
  server.misbehave = silentAtTheEnd;
  const { code, output } = await runProgram(`
    import(${JSON.stringify(library)}).then(async ({ Slide }) => {
      const slide = await Slide.open(${JSON.stringify(server.url)});
      for (let i = 0; i < 8; ++i) slide.fingerprint();
      for (let i = 0; i < 20; ++i) slide.readRegion({ x: 0, y: 0, width: 100, height: 100 });
      const started = Date.now();
      process.on('exit', () => console.log('exit', Date.now() - started < 5000));
      setTimeout(() => process.exit(7), 300);
    });`);
  expect({ code, output }).toEqual({ code: 7, output: 'exit true\n' });
});

test('a terminated Worker lets go of the threads that wait for its server', { timeout: 240_000 }, async () => {
  await using server = await RangeServer.start(bytes);
  server.misbehave = silentAtTheEnd;
  const { code, output } = await runProgram(
    `
    const { Worker } = require('node:worker_threads');
    const source = ${JSON.stringify(reader)};
    (async () => {
      const { Slide } = await import(${JSON.stringify(library)});
      const local = await Slide.open(slide);
      let longest = 0;
      for (let round = 0; round < 10; ++round) {
        const worker = new Worker(source, { eval: true, workerData: ${JSON.stringify({ library, url: server.url })} });
        const waiting = new Promise((resolve) => worker.once('message', resolve));
        // Some die while they open, some while all threads of the executor wait.
        await (round % 3 === 2 ? new Promise((resolve) => setTimeout(resolve, 40 * round)) : waiting);
        if (round % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 150));
        const started = performance.now();
        await worker.terminate();
        await local.readRegion({ x: round, y: 0, width: 100, height: 100 });
        longest = Math.max(longest, performance.now() - started);
      }
      console.log(longest);
    })();
    `,
    { slide },
  );
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/^[0-9.]+\n$/) });
  expect(Number(output)).toBeLessThan(5000);
});

test('a slide that nobody holds any more gives its source back', async () => {
  const { code, output } = await runProgram(
    `
    const { readFileSync } = require('node:fs');
    const bytes = readFileSync(slide);
    let closed = 0;
    async function openAndForget() {
      const remote = native.remoteOpen('memory', bytes.length, bytes.subarray(0, 65536), (what, id, offset, length) => {
        if (what === 'close') ++closed;
        if (what === 'fetch') native.remoteDeliver(remote, id, bytes.subarray(offset, offset + length));
      });
      const handle = await native.slideOpenRemote(remote, { tolerant: false }, undefined);
      return native.slideInfo(handle).levels.length;
    }
    (async () => {
      const levels = await openAndForget();
      const broken = native.remoteOpen('broken', 100, new Uint8Array(100), (what) => { if (what === 'close') ++closed; });
      await native.slideOpenRemote(broken, { tolerant: false }, undefined).catch((error) => console.log(error.code));
      const unused = native.remoteOpen('unused', 100, new Uint8Array(100), (what) => { if (what === 'close') ++closed; });
      native.remoteClose(unused);
      for (let i = 0; i < 100 && closed < 3; ++i) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      console.log(levels, closed);
    })();
    `,
    { slide },
    ['--expose-gc'],
  );
  expect({ code, output }).toEqual({ code: 0, output: 'HISTOJET_UNSUPPORTED_FORMAT\n2 3\n' });
});
