import type { Epoch, IndexUid } from './ids';
import type { Origin, RunOptions } from './operations';

/** The data of a migration of one running Meilisearch into the fleet. Types only. */

/** Where it comes from. The key itself is in the store, sealed: histories keep what they are given. */
export interface MigrationSource {
  readonly url: string;
  /** Id of the sealed key; null: the old instance asks for none. */
  readonly secret: string | null;
}

export interface MigrationOptions extends RunOptions {
  /** How often the old instance is looked at while it still takes writes. */
  readonly followEveryMs: number;
}

export interface MigrationInput extends Origin {
  readonly source: MigrationSource;
  /** `null`: all. */
  readonly indexes: readonly string[] | null;
  /** Bring its API keys along. */
  readonly keys: boolean;
  readonly options: MigrationOptions;
  readonly resume?: MigrationResume;
}

export interface MigratedIndex {
  readonly uid: IndexUid;
  /** What it is called in the fleet until the cut over. */
  readonly staging: IndexUid;
  readonly documents: number;
  readonly bytes: number;
}

export interface MigrationPlan {
  readonly kind: 'migration';
  readonly epoch: Epoch;
  readonly source: string;
  readonly version: string;
  readonly indexes: readonly MigratedIndex[];
  readonly keys: number;
  readonly documents: number;
  readonly bytes: number;
  readonly minutes: number;
  /** What an operator has to do besides, or will find different. */
  readonly notes: readonly string[];
  /** Why it may not run as it is; empty: it may. */
  readonly refused: readonly string[];
}

/** The newest write that the old instance took, and whether it is still working. */
export interface SourceMark {
  /** Uid of its newest task on these indexes, or -1. */
  readonly newest: number;
  readonly busy: boolean;
  /** `documentAdditionOrUpdate of products`, for people. */
  readonly what: string;
}

export interface LevelCursor {
  readonly offset: number;
  readonly compared: number;
  readonly sent: number;
  readonly deleted: number;
}

/** What one look at one index found. `sent` and `deleted` count what differed, written or not. */
export interface LevelResult {
  readonly outcome: 'done' | 'paused';
  readonly cursor: LevelCursor;
  /** Names the settings, so that equal ones are not looked at twice. */
  readonly settings: string;
}

export interface LevelRequest {
  readonly source: MigrationSource;
  readonly index: MigratedIndex;
  readonly runKey: string;
  readonly cursor: LevelCursor | null;
  /** False: only count what differs. */
  readonly write: boolean;
  /** The settings that were brought over last; null: none yet. */
  readonly settings: string | null;
}

export interface MigrationResume {
  readonly plan: MigrationPlan;
  readonly approvedBy: string | null;
  readonly startedAt: string;
  readonly paused: boolean;
  readonly documentsPerSecond: number | null;
  readonly documentsCopied: number;
  readonly newest: number;
  readonly settings: { readonly [uid: string]: string };
}

export interface MigrationReport {
  readonly outcome: 'done' | 'expired' | 'nothing-to-do';
  readonly indexes: readonly IndexUid[];
  /** Documents compared in the last look, of which none differed. */
  readonly verified: number;
  readonly keys: number;
  /** From `proceed` to the cut over: how long writers had to wait. */
  readonly stoppedMs: number;
}
