// Puts the stripped addon where node-gyp-build looks for it in an installed package.
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, run, step } from './process.mjs';

const built = join(root, 'build', 'Release', 'histojet.node');
if (!existsSync(built)) fail('no build/Release/histojet.node: run `npm run setup` first');
step('Packing the prebuilt addon');
rmSync(join(root, 'prebuilds'), { recursive: true, force: true }); // a stale file would travel along
const folder = join(root, 'prebuilds', 'linux-x64');
mkdirSync(folder, { recursive: true });
const target = join(folder, 'histojet.glibc.node');
copyFileSync(built, target);
run('strip', ['--strip-unneeded', target]);
