// PyTorch as a rival: the graph that ONNX Runtime gets, run by bench/peers/torch_peer.py with Debian's python3-torch.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { outFolder, PeerProcess, root } from '../programs.mjs';

const python = '/usr/bin/python3';
const program = join(root, 'bench', 'peers', 'torch_peer.py');
// Without the first, OpenBLAS takes this CPU for a very old one.
const environment = { OPENBLAS_CORETYPE: 'SkylakeX', OMP_NUM_THREADS: '1' };

/** PyTorch's version, or null when it is not installed. */
export function torchVersion() {
  const asked = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
  return asked.status === 0 ? asked.stdout.trim() : null;
}

function writeGraph(path, { nodes, outputs, constants }) {
  const entries = {};
  const file = openSync(`${path}.bin`, 'w');
  let offset = 0;
  for (const [name, { shape, data }] of constants) {
    if (data instanceof BigInt64Array) {
      entries[name] = { values: Array.from(data, Number) };
      continue;
    }
    writeSync(file, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    entries[name] = { shape, offset };
    offset += data.length;
  }
  closeSync(file);
  writeFileSync(path, JSON.stringify({ nodes, outputs, constants: entries }));
}

/**
 * A network ready to run on one picture, in a process of its own.
 *
 * @param plain - from `NetworkExporter.exported`
 * @param planes - the picture, float32 [1, 3, height, width]
 * @returns `run(precision)` resolves to `{ cpuMs, wallMs }`, `output(name)` to an output of the last run
 */
export function openTorch(plain, planes, height, width) {
  const folder = join(outFolder, 'torch');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'graph.json');
  writeGraph(path, plain);
  writeFileSync(`${path}.input`, Buffer.from(planes.buffer, planes.byteOffset, planes.byteLength));
  const peer = new PeerProcess(python, [program, path, String(height), String(width)], environment);
  return {
    run: (precision) => peer.ask(`run ${precision}`),
    output: async (name) => {
      const file = join(folder, 'output');
      await peer.ask(`output ${name} ${file}`);
      return new Float32Array(Uint8Array.from(readFileSync(file)).buffer);
    },
    close: () => {
      peer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
