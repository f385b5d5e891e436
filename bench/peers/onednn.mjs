// oneDNN as a rival: bench/peers/onednn_peer.cpp runs the convolutions of a graph, those alone.
import { buildOwn, PeerProcess } from '../programs.mjs';

// A core must not be kept busy by threads that wait for work.
const environment = { OMP_NUM_THREADS: '1', OMP_WAIT_POLICY: 'passive' };

/** `{ program, version }`, or `{ missing }` with the reason when the library is not installed. */
export async function findOnednn() {
  let program;
  try {
    program = buildOwn('onednn_peer');
  } catch (error) {
    if (/unknown target|No rule to make target/.test(error.message)) return { missing: 'libdnnl-dev' };
    throw error;
  }
  const peer = new PeerProcess(program, [], environment);
  const { version } = await peer.ask('version');
  peer.close();
  return { program, version };
}

/** The only node that reads a value, or undefined. */
function onlyReader(value, { nodes, outputs }) {
  const readers = nodes.filter(({ inputs }) => inputs.includes(value));
  return readers.length === 1 && !outputs.includes(value) ? readers[0] : undefined;
}

/**
 * What one pass of a library can do of each convolution: a batch norm behind it that nobody else reads becomes weights
 * and a bias, a ReLU behind it is applied on the way.
 */
export function foldedConvolutions({ plain, convolutions }) {
  return convolutions.map((convolution) => {
    let next = onlyReader(convolution.output, plain);
    const norm = next?.operator === 'BatchNormalization';
    if (norm) next = onlyReader(next.output, plain);
    return { ...convolution, bias: convolution.bias || norm, relu: next?.operator === 'Relu' };
  });
}

/**
 * The convolutions of a network ready to run, in a process of its own.
 *
 * @param graph - from `NetworkExporter.exported`
 * @returns `run(precision)` runs all of them once and resolves to `{ cpuMs, wallMs }`; `parts(precision, rounds)` times
 * each on its own in moments of full speed, as `chains` of bench/native/engine_bench.cpp does
 * @throws when the convolutions are not all that the network multiplies
 */
export async function openOnednn({ program }, graph) {
  const peer = new PeerProcess(program, [], environment);
  const convolutions = foldedConvolutions(graph);
  let gflop = 0;
  for (const {
    transposed,
    inChannels,
    outChannels,
    kernel,
    stride,
    groups,
    pads,
    height,
    width,
    ...rest
  } of convolutions) {
    const numbers = [inChannels, outChannels, kernel, stride, groups, ...pads, height, width, +rest.bias, +rest.relu];
    gflop += (await peer.ask(`${transposed ? 'transposed' : 'convolution'} ${numbers.join(' ')}`)).gflop;
  }
  if (Math.abs(1e9 * gflop - graph.flops) > 1e-4 * graph.flops) {
    peer.close();
    throw new Error(`oneDNN would compute ${gflop} of ${graph.flops / 1e9} GFLOP`);
  }
  return {
    run: (precision) => peer.ask(`run ${precision} 1`),
    parts: async (precision, rounds) => ({
      ...(await peer.ask(`parts ${precision} ${rounds}`)),
      what: 'convolutions',
    }),
    close: () => peer.close(),
  };
}
