// What the rows of the engine share: which unit computes, and how rounds that do not count are reported.
import { bfloat16Unit, hasAmx } from '../machine.mjs';

export const precisions = ['float32', 'high', 'fast'];

/** The unit that the products of a precision run on. `high` is computed in float32 where there are no tiles. */
export function unitOf(precision) {
  if (precision === 'float32' || (precision === 'high' && !hasAmx())) return 'fma';
  return bfloat16Unit() ?? 'fma';
}

/** Products per multiplication: `high` computes three with halves of the operands. */
export const productsOf = (precision) => (precision === 'high' && unitOf(precision) === 'tiles' ? 3 : 1);

/** A bar that holds for `high` and `fast` where there are tiles only. */
export const barWithTiles = (precision, bar) => (precision === 'float32' || hasAmx() ? bar : null);

/** The sentence about rounds that were thrown away; empty when there were none. */
export function discardNote({ good, discarded }) {
  if (discarded === 0) return '';
  const rounds = `${discarded} of ${good + discarded} rounds discarded: tile unit below its speed`;
  return good === 0 ? `no figure, ${rounds}` : rounds;
}

/** Sentences that are not empty. */
export const joinNotes = (...notes) => notes.filter((note) => note !== '').join('; ');
