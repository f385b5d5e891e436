import type { NucleusClass, NucleusList } from '../index.js';
import { grouped, table } from './terminal.js';

/** Counts the nuclei of a run by class. */
export class ClassCounter {
  readonly #classes: readonly NucleusClass[];
  readonly #counts: Map<number, number>;

  /** `classes`: by number, as in {@link ModelInfo.types}; empty for networks without classes. */
  constructor(classes: readonly NucleusClass[]) {
    this.#classes = classes;
    this.#counts = new Map(classes.map((_, type) => [type, 0]));
  }

  /** Whether the network tells classes. */
  get known(): boolean {
    return this.#classes.length > 0;
  }

  /** Counts one batch. */
  add(batch: NucleusList): void {
    for (const type of batch.types ?? []) this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
  }

  /** By name, in the order of the numbers; classes that share a name are added up. Background only where it occurs. */
  counts(): Readonly<Record<string, number>> {
    const sums = new Map<string, number>();
    for (const [type, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      if (type === 0 && count === 0) continue;
      const name = this.#classes[type]?.name ?? `Class ${type}`;
      sums.set(name, (sums.get(name) ?? 0) + count);
    }
    return Object.fromEntries(sums); // names come from files, and one may be "__proto__": this keeps it a plain member
  }

  /** The counts as a table below a sentence; empty for networks without classes. */
  text(): string {
    if (!this.known) return '';
    const rows = Object.entries(this.counts()).map(([name, count]) => [name, grouped(count)] as const);
    return `\n${table(rows)}`.trimEnd();
  }
}
