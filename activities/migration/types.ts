import type {
  LevelRequest,
  LevelResult,
  MigratedIndex,
  MigrationInput,
  MigrationPlan,
  MigrationSource,
  SourceMark,
} from '../../core/migration';
import type { Verdict } from '../../core/operations';

export interface OfMigration {
  readonly source: MigrationSource;
  readonly indexes: readonly MigratedIndex[];
}

/** What a migration asks for; idempotent like all activities. */
export interface MigrationActivities {
  planMigration(input: MigrationInput): Promise<MigrationPlan>;
  markSource(request: {
    readonly source: MigrationSource;
    readonly indexes: readonly string[];
  }): Promise<SourceMark>;
  prepareStaging(request: OfMigration): Promise<void>;
  levelIndex(request: LevelRequest): Promise<LevelResult>;
  newIndexes(request: OfMigration): Promise<readonly string[]>;
  /** Returns the uids of the keys that it made. */
  copyKeys(request: { readonly source: MigrationSource }): Promise<readonly string[]>;
  publishIndexes(request: OfMigration): Promise<Verdict>;
  undoMigration(request: OfMigration & { readonly keys: readonly string[] }): Promise<void>;
  forgetSecret(request: { readonly secret: string }): Promise<void>;
}
