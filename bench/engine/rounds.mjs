// What the rows of the engine share: which unit computes, and how rounds that do not count are reported.

export const precisions = ['float32', 'high', 'fast'];

/** The unit that the products of a precision run on. */
export const unitOf = (precision) => (precision === 'float32' ? 'fma' : 'tiles');

/** Products per multiplication: `high` computes three with halves of the operands. */
export const productsOf = (precision) => (precision === 'high' ? 3 : 1);

/** The sentence about rounds that were thrown away; empty when there were none. */
export function discardNote({ good, discarded }) {
  if (discarded === 0) return '';
  const rounds = `${discarded} of ${good + discarded} rounds discarded: tile unit below its speed`;
  return good === 0 ? `no figure, ${rounds}` : rounds;
}

/** Sentences that are not empty. */
export const joinNotes = (...notes) => notes.filter((note) => note !== '').join('; ');
