import type { AliasEntry } from '../core/fleet';
import type { IndexUid } from '../core/ids';
import type { Audit } from './fleet-types';

/** The aliases of the fleet as a record kind: each change is a change of the fleet. */
export interface AliasView {
  create(alias: AliasEntry, audit: Audit): Promise<boolean>;
  get(name: IndexUid): Promise<AliasEntry | null>;
  /** Sets the targets and keeps the old ones in the bounded history. Null when there is none. */
  flip(name: IndexUid, targets: readonly IndexUid[], audit: Audit): Promise<AliasEntry | null>;
  list(): Promise<AliasEntry[]>;
  delete(name: IndexUid, audit: Audit): Promise<boolean>;
}
