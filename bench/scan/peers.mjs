// Rivals that run in a process of their own.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PeerProcess, root } from '../programs.mjs';

const pythonProgram = '/usr/bin/python3';
const environment = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };

/** A program of bench/peers that needs PyTorch; `missing` says why there is none. */
export function startTorchPeer(file) {
  const asked = spawnSync(pythonProgram, ['-c', 'import torch, numpy; print(torch.__version__)'], { encoding: 'utf8' });
  if (asked.status !== 0) return { name: 'torch', missing: "Debian's python3-torch is not installed" };
  const process = new PeerProcess(pythonProgram, [join(root, 'bench', 'peers', file)], environment);
  return { name: `torch ${asked.stdout.trim()}`, process };
}
