import { type Floats, made } from '../safetensors.js';

/** Adds the tensors of a Mamba mixer with 8 states. */
function addMixer(tensors: Map<string, Floats>, prefix: string, dim: number, two: boolean): void {
  const inner = 2 * dim;
  const rank = Math.ceil(dim / 16);
  let seed = tensors.size + 1;
  const add = (name: string, shape: readonly number[], scale: number, offset = 0): void => {
    tensors.set(prefix + name, made(shape, seed++, scale, offset));
  };
  add('in_proj.weight', [2 * inner, dim], 0.4);
  for (const end of two ? ['', '_b'] : ['']) {
    add(`conv1d${end}.weight`, [inner, 1, 4], 0.8);
    add(`conv1d${end}.bias`, [inner], 0.2);
    add(`x_proj${end}.weight`, [rank + 16, inner], 0.3);
    add(`dt_proj${end}.weight`, [inner, rank], 1);
    add(`dt_proj${end}.bias`, [inner], 1, -3);
    add(`D${end}`, [inner], 0.3, 1);
    add(end === '' ? 'A_log' : 'A_b_log', [inner, 8], 1, 1);
  }
  add('out_proj.weight', [dim, inner], 0.3);
}

/** Vim for pictures of 12 x 8 px: patches of 4 px, two blocks of 16 channels, three classes. */
export function smallVim(): Map<string, Floats> {
  const tensors = new Map<string, Floats>();
  tensors.set('patch_embed.proj.weight', made([16, 3, 4, 4], 101, 0.2));
  tensors.set('patch_embed.proj.bias', made([16], 102, 0.1));
  tensors.set('cls_token', made([1, 1, 16], 103, 1));
  tensors.set('pos_embed', made([1, 7, 16], 104, 0.5));
  for (const layer of ['layers.0.', 'layers.1.']) {
    tensors.set(`${layer}norm.weight`, made([16], 105, 0.2, 1));
    addMixer(tensors, `${layer}mixer.`, 16, true);
  }
  tensors.set('norm_f.weight', made([16], 106, 0.2, 1));
  tensors.set('head.weight', made([3, 16], 107, 0.5));
  tensors.set('head.bias', made([3], 108, 0.5));
  return tensors;
}

/** 2DMambaMIL for tiles of 20 values: one layer of 16 channels, three outputs. */
export function smallMil2d(): Map<string, Floats> {
  const tensors = smallMil(false);
  for (const name of [...tensors.keys()]) if (name.startsWith('layers.')) tensors.delete(name);
  tensors.set('layers.pad_token', made([16], 213, 0.5, 0.5));
  tensors.set('layers.layers.0.norm.weight', made([16], 203, 0.2, 1));
  addMixer(tensors, 'layers.layers.0.mixer.', 16, false);
  return tensors;
}

/** MambaMIL for tiles of 20 values: two layers of 16 channels, three outputs. */
export function smallMil(two = true): Map<string, Floats> {
  const tensors = new Map<string, Floats>();
  tensors.set('_fc1.0.weight', made([16, 20], 201, 0.4));
  tensors.set('_fc1.0.bias', made([16], 202, 0.2));
  for (const layer of ['layers.0.', 'layers.1.']) {
    tensors.set(`${layer}0.weight`, made([16], 203, 0.2, 1));
    tensors.set(`${layer}0.bias`, made([16], 204, 0.2));
    addMixer(tensors, `${layer}1.`, 16, two);
  }
  tensors.set('norm.weight', made([16], 205, 0.2, 1));
  tensors.set('norm.bias', made([16], 206, 0.2));
  tensors.set('attention.0.weight', made([12, 16], 207, 0.5));
  tensors.set('attention.0.bias', made([12], 208, 0.2));
  tensors.set('attention.2.weight', made([1, 12], 209, 2));
  tensors.set('attention.2.bias', made([1], 210, 0.2));
  tensors.set('classifier.weight', made([3, 16], 211, 0.5));
  tensors.set('classifier.bias', made([3], 212, 0.2));
  return tensors;
}
