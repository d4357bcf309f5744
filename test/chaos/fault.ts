import type { ClientReport } from './clients';

/** One fault of the table in README.md, made on real processes. */
export interface Fault {
  /** Its number in the table, with a letter where one row has several. */
  readonly id: string;
  readonly name: string;
  /** Part of the choice that every run of the tests makes. */
  readonly inCi: boolean;
  readonly run: (seed: number) => Promise<ClientReport>;
}
