import { type Floats, made, writeSafetensors } from '../safetensors.js';

/** A stage of a network of {@link writePixelMamba}, in the words of `pixel-mamba/1`. */
export interface StageConfig {
  readonly dim: number;
  readonly d_state: number;
  readonly depth?: number;
  readonly d_conv?: number;
  readonly backward_scope?: 'region' | 'global';
  readonly bidirectional?: 'none' | 'v2';
  readonly mlp_ratio?: number;
  readonly pos?: 'sincos2d';
  readonly scan?: 'window' | 'cross2d' | 'scan2d';
  readonly window?: number;
}

/** What {@link writePixelMamba} builds, with attention for the pooling unless told otherwise. */
export interface NetworkConfig {
  readonly stages: readonly StageConfig[];
  readonly serialization?: Readonly<Record<string, unknown>>;
  readonly merge?: 'concat1x2' | 'concat2x1' | 'tome';
  readonly tome?: { readonly keep: number; readonly window: number };
  readonly pool?: 'mean' | 'attention';
  readonly head: { readonly type: string; readonly outputs: number };
}

/** Values that depend on the tensor's name alone, so that networks share what they have in common. */
function seedOf(name: string): number {
  let seed = 0x811c9dc5;
  for (const letter of name) seed = Math.imul(seed ^ letter.charCodeAt(0), 0x01000193);
  return seed >>> 12;
}

type Add = (name: string, shape: readonly number[], scale: number, offset?: number) => void;

/** Mamba's own mixer, in one direction or two. */
function addMixer(add: Add, prefix: string, { dim, d_state: states, d_conv: taps = 4, bidirectional }: StageConfig) {
  const [inner, rank] = [2 * dim, Math.ceil(dim / 16)];
  add(`${prefix}in_proj.weight`, [2 * inner, dim], 0.6);
  add(`${prefix}out_proj.weight`, [dim, inner], 0.4);
  for (const end of bidirectional === 'none' ? [''] : ['', '_b']) {
    add(`${prefix}conv1d${end}.weight`, [inner, 1, taps], 0.8);
    add(`${prefix}conv1d${end}.bias`, [inner], 0.1);
    add(`${prefix}x_proj${end}.weight`, [rank + 2 * states, inner], 0.4);
    add(`${prefix}dt_proj${end}.weight`, [inner, rank], 1);
    add(`${prefix}dt_proj${end}.bias`, [inner], 2, -4);
    add(prefix + (end === '' ? 'A_log' : 'A_b_log'), [inner, states], 0.7, 0.7);
    add(`${prefix}D${end}`, [inner], 0.3, 1);
  }
}

/** SS2D with a gate. */
function addCross(add: Add, prefix: string, { dim, d_state: states, d_conv: side = 3 }: StageConfig) {
  const [inner, rank] = [2 * dim, Math.ceil(dim / 16)];
  add(`${prefix}in_proj.weight`, [2 * inner, dim], 0.6);
  add(`${prefix}conv2d.weight`, [inner, 1, side, side], 0.5);
  add(`${prefix}conv2d.bias`, [inner], 0.1);
  add(`${prefix}x_proj_weight`, [4, rank + 2 * states, inner], 0.4);
  add(`${prefix}dt_projs_weight`, [4, inner, rank], 1);
  add(`${prefix}dt_projs_bias`, [4, inner], 2, -4);
  add(`${prefix}A_logs`, [4 * inner, states], 0.7, 0.7);
  add(`${prefix}Ds`, [4 * inner], 0.3, 1);
  add(`${prefix}out_norm.weight`, [inner], 0.2, 1);
  add(`${prefix}out_norm.bias`, [inner], 0.1);
  add(`${prefix}out_proj.weight`, [dim, inner], 0.4);
}

function addBlock(add: Add, prefix: string, stage: StageConfig) {
  const { dim, mlp_ratio: ratio = 0 } = stage;
  add(`${prefix}norm.weight`, [dim], 0.2, 1);
  (stage.scan === 'cross2d' ? addCross : addMixer)(add, `${prefix}mixer.`, stage);
  if (ratio === 0) return;
  add(`${prefix}norm2.weight`, [dim], 0.2, 1);
  add(`${prefix}mlp.fc1.weight`, [ratio * dim, dim], 0.5);
  add(`${prefix}mlp.fc1.bias`, [ratio * dim], 0.1);
  add(`${prefix}mlp.fc2.weight`, [dim, ratio * dim], 0.5);
  add(`${prefix}mlp.fc2.bias`, [dim], 0.1);
}

function addMerge(add: Add, prefix: string, merge: NetworkConfig['merge'], from: number, to: number) {
  const values = merge === 'tome' ? from : (merge === undefined ? 4 : 2) * from;
  if (merge !== 'tome') {
    add(`${prefix}norm.weight`, [values], 0.2, 1);
    add(`${prefix}norm.bias`, [values], 0.1);
  }
  add(`${prefix}reduction.weight`, [to, values], Math.sqrt(3 / values));
}

/** All tensors that `docs/pixel-mamba.md` names for a configuration. */
function tensorsOf({ stages, merge, pool, head }: NetworkConfig): Map<string, Floats> {
  const tensors = new Map<string, Floats>();
  const add: Add = (name, shape, scale, offset = 0) => {
    tensors.set(name, made(shape, seedOf(name), scale, offset));
  };
  let dim = stages[0]?.dim ?? 0;
  add('stem.proj.weight', [dim, 3], 1);
  add('stem.proj.bias', [dim], 0.1);
  for (const [s, stage] of stages.entries()) {
    if (s > 0) addMerge(add, `stages.${s - 1}.merge.`, merge, dim, stage.dim);
    dim = stage.dim;
    for (let b = 0; b < (stage.depth ?? 1); ++b) addBlock(add, `stages.${s}.blocks.${b}.`, stage);
  }
  add('norm_f.weight', [dim], 0.2, 1);
  if (pool !== 'mean') {
    add('pool.attn.0.weight', [dim / 2, dim], 0.5);
    add('pool.attn.0.bias', [dim / 2], 0.1);
    add('pool.attn.2.weight', [1, dim / 2], 1);
    add('pool.attn.2.bias', [1], 0.1);
  }
  add('head.weight', [head.outputs, dim], 1);
  add('head.bias', [head.outputs], 0.1);
  return tensors;
}

/**
 * Writes a network with made weights, its configuration in the file's metadata, and returns the path.
 *
 * @param change - gets the tensors before they are written
 */
export function writePixelMamba(
  path: string,
  config: NetworkConfig,
  change: (tensors: Map<string, Floats>) => void = () => {},
): string {
  const tensors = tensorsOf(config);
  change(tensors);
  const written = { format: 'pixel-mamba/1', pool: 'attention', ...config };
  return writeSafetensors(path, tensors, { config: JSON.stringify(written) });
}
