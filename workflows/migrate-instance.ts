import {
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type {
  MigrationInput,
  MigrationPlan,
  MigrationReport,
  LevelCursor,
  LevelResult,
  SourceMark,
} from '../core/migration';
import { fatal, textOf } from './failures';
import { operate } from './handlers';
import type { Operation } from './operation';
import type { OperationSpec } from './operation-state';
import { bulkCopy, historyEventsMax, irreversible, longWait, quickRead } from './policies';
import { handleProceed } from './proceed';
import type { Outside } from './proceed';
import { waitForApproval } from './run-plan';

const { planMigration, markSource, newIndexes } =
  proxyActivities<Pick<Activities, 'planMigration' | 'markSource' | 'newIndexes'>>(quickRead);
const { prepareStaging, copyKeys } =
  proxyActivities<Pick<Activities, 'prepareStaging' | 'copyKeys'>>(longWait);
const { levelIndex } = proxyActivities<Pick<Activities, 'levelIndex'>>(bulkCopy);
const { publishIndexes, undoMigration, forgetSecret } =
  proxyActivities<Pick<Activities, 'publishIndexes' | 'undoMigration' | 'forgetSecret'>>(
    irreversible,
  );

/** Looks after `proceed`; writers that go on make each of them find something. */
const settleLooksMax = 5;

/** What the run knows besides the state that operators see. */
interface Migration {
  readonly input: MigrationInput;
  readonly plan: MigrationPlan;
  readonly outside: Outside;
  /** Newest write of the old instance that the last complete look has seen. */
  newest: number;
  /** Index → name of the settings that were brought over. */
  settings: { [uid: string]: string };
  keys: readonly string[];
}

function specOf(input: MigrationInput): OperationSpec {
  const { resume, options } = input;
  return {
    kind: 'migration',
    origin: { who: input.who, why: input.why },
    ...(input.indexes === null ? {} : { index: input.indexes.join(',') }),
    total: resume?.plan.documents ?? 0,
    documentsPerSecond: resume?.documentsPerSecond ?? options.documentsPerSecond,
    ...(resume === undefined
      ? {}
      : {
          resumed: {
            ...{ startedAt: resume.startedAt, paused: resume.paused },
            ...{ documentsCopied: resume.documentsCopied, approvedBy: resume.approvedBy },
          },
        }),
  };
}

/**
 * Brings a running Meilisearch into the fleet while its clients go on writing to it: indexes are filled
 * under staging names and followed, until the operator has stopped the writers and says `proceed`; then
 * the last differences are brought over, both sides are compared, keys are made, and all indexes get
 * their names in one step. Point of no return: that step.
 */
export async function migrateInstance(input: MigrationInput): Promise<MigrationReport> {
  return operate(specOf(input), async (operation) => {
    const outside = handleProceed(operation);
    const plan = await planAndApprove(operation, input);
    if (plan === 'expired') return end(operation, input, 'expired');
    if (plan.indexes.length === 0) return end(operation, input, 'nothing-to-do');
    operation.state.total = plan.documents;
    const { resume } = input;
    const migration: Migration = {
      ...{ input, plan, outside, newest: resume?.newest ?? -1, keys: [] },
      settings: { ...resume?.settings },
    };
    try {
      if (resume === undefined) await load(operation, migration);
      const { verified, since } = await followUntilEqual(operation, migration);
      await cutOver(operation, migration);
      const stoppedMs = Date.now() - since;
      const report = { outcome: 'done', verified, stoppedMs } as const;
      await close(operation, input);
      await operation.finish('succeeded', null);
      const indexes = plan.indexes.map(({ uid }) => uid);
      return { ...report, indexes, keys: migration.keys.length };
    } catch (error) {
      return undo(operation, migration, error);
    }
  });
}

async function end(
  operation: Operation,
  input: MigrationInput,
  outcome: 'expired' | 'nothing-to-do',
): Promise<MigrationReport> {
  await close(operation, input);
  const expired = outcome === 'expired';
  const text = expired ? 'Nobody approved the plan in time.' : null;
  await operation.finish(expired ? 'canceled' : 'succeeded', text);
  return { outcome, indexes: [], verified: 0, keys: 0, stoppedMs: 0 };
}

/** The key of the old instance is kept for no longer than it is needed. */
async function close({ state }: Operation, { source }: MigrationInput): Promise<void> {
  if (source.secret !== null) await forgetSecret({ secret: source.secret });
  state.phase = 'done';
}

async function planAndApprove(
  operation: Operation,
  input: MigrationInput,
): Promise<MigrationPlan | 'expired'> {
  const { state } = operation;
  if (input.resume !== undefined) {
    state.plan = input.resume.plan;
    return input.resume.plan;
  }
  try {
    await operation.enter('plan');
    const plan = await operation.cancellable(() => planMigration(input));
    state.plan = plan;
    if (plan.refused.length > 0) throw fatal('migration-refused', `${plan.refused.join('; ')}.`);
    if (plan.indexes.length === 0 || input.options.autoApprove) return plan;
    return (await waitForApproval(operation, input.options)) ? plan : 'expired';
  } catch (error) {
    await close(operation, input);
    throw error;
  }
}

async function load(operation: Operation, migration: Migration): Promise<void> {
  const { input, plan } = migration;
  await operation.enter('prepare');
  await operation.cancellable(() =>
    prepareStaging({ source: input.source, indexes: plan.indexes }),
  );
  await operation.enter('copy');
  const before = await mark(operation, migration);
  const began = Date.now();
  await look(operation, migration, true);
  operation.state.copyMs += Date.now() - began;
  migration.newest = before.newest;
}

const mark = (operation: Operation, { input, plan }: Migration): Promise<SourceMark> =>
  operation.cancellable(() =>
    markSource({ source: input.source, indexes: plan.indexes.map(({ uid }) => uid) }),
  );

interface Look {
  readonly compared: number;
  /** Documents that differed, or were too many. */
  readonly differed: number;
}

/** Compares every index once; with `write` the fleet is made equal. */
async function look(operation: Operation, migration: Migration, write: boolean): Promise<Look> {
  const { state } = operation;
  let compared = 0;
  let differed = 0;
  state.done = 0;
  for (const index of migration.plan.indexes) {
    let cursor: LevelCursor | null = null;
    for (;;) {
      await operation.checkpoint();
      const given: LevelCursor | null = cursor;
      const result: LevelResult = await operation.cancellable(() =>
        levelIndex({
          ...{ source: migration.input.source, index, runKey: operation.id, cursor: given, write },
          settings: migration.settings[index.uid] ?? null,
        }),
      );
      if (write) migration.settings[index.uid] = result.settings;
      cursor = result.cursor;
      state.done = compared + cursor.compared;
      if (result.outcome === 'done') break;
    }
    compared += cursor.compared;
    differed += cursor.sent + cursor.deleted;
    if (write) state.documentsCopied += cursor.sent;
  }
  state.total = Math.max(compared, 1);
  return { compared, differed };
}

/** Follows the old instance until its writers were stopped and nothing differs any more. */
async function followUntilEqual(
  operation: Operation,
  migration: Migration,
): Promise<{ verified: number; since: number }> {
  let told = '';
  for (;;) {
    await follow(operation, migration, told);
    const since = Date.now();
    const verified = await settle(operation, migration);
    if (typeof verified === 'number') return { verified, since };
    told = `${verified} `;
  }
}

const switchText =
  'the switch: stop the writers of the old instance, then proceed; they go on at the fleet afterwards';

async function follow(operation: Operation, migration: Migration, told: string): Promise<void> {
  const { options } = migration.input;
  await operation.enter('follow');
  let behind = '';
  for (;;) {
    const before = await mark(operation, migration);
    if (before.newest !== migration.newest) {
      const began = Date.now();
      const { differed } = await look(operation, migration, true);
      migration.newest = before.newest;
      const seconds = Math.round((Date.now() - began) / 1_000);
      behind = `${String(differed)} documents differed in the last look, which took ${String(seconds)} s; `;
    }
    await continueWhenLong(operation, migration);
    const said = await operation.cancellable(() =>
      migration.outside.wait(`${told}${behind}${switchText}`, {
        timeoutMs: options.followEveryMs,
      }),
    );
    if (said) return;
  }
}

async function continueWhenLong(operation: Operation, migration: Migration): Promise<void> {
  const { input, plan, newest, settings } = migration;
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  const long = historyLength >= (input.options.historyEventsMax ?? historyEventsMax);
  if ((!long && !continueAsNewSuggested) || migration.outside.said()) return;
  if (!(await operation.mayContinue())) return;
  const { approvedBy, paused, documentsPerSecond, documentsCopied } = operation.state;
  const { startedAt } = operation;
  await continueAsNew<typeof migrateInstance>({
    ...input,
    resume: {
      ...{ plan, approvedBy, startedAt, paused, documentsPerSecond, documentsCopied },
      ...{ newest, settings },
    },
  });
}

/** How many documents were compared without a difference; a text when the old instance still changes. */
async function settle(operation: Operation, migration: Migration): Promise<number | string> {
  const { input, plan } = migration;
  let last = '';
  for (let count = 0; count < settleLooksMax; count += 1) {
    await operation.enter('settle');
    const before = await mark(operation, migration);
    last = before.what;
    await look(operation, migration, true);
    migration.newest = before.newest;
    if (await changed(operation, migration, before)) continue;
    await operation.enter('verify');
    const { compared, differed } = await look(operation, migration, false);
    if (differed > 0 || (await changed(operation, migration, before))) continue;
    if (input.indexes === null) {
      const request = { source: input.source, indexes: plan.indexes };
      const fresh = await operation.cancellable(() => newIndexes(request));
      if (fresh.length > 0) {
        return `it got the indexes ${fresh.join(', ')} since: delete them or cancel and begin again;`;
      }
    }
    return compared;
  }
  return `the old instance still takes writes (${last});`;
}

async function changed(
  operation: Operation,
  migration: Migration,
  before: SourceMark,
): Promise<boolean> {
  const after = await mark(operation, migration);
  return after.busy || before.busy || after.newest !== before.newest;
}

async function cutOver(operation: Operation, migration: Migration): Promise<void> {
  const { input, plan } = migration;
  if (input.keys) {
    await operation.enter('keys');
    migration.keys = await operation.cancellable(() => copyKeys({ source: input.source }));
  }
  await operation.enter('cut-over');
  // Point of no return: one step of the catalogue gives all indexes the names that clients use.
  operation.passPointOfNoReturn();
  const verdict = await publishIndexes({ source: input.source, indexes: plan.indexes });
  if (!verdict.ok) throw fatal('cut-over-refused', verdict.reason);
}

/** Nothing has its name yet, so no client can have written to what is taken away. */
async function undo(operation: Operation, migration: Migration, error: unknown): Promise<never> {
  if (operation.state.over || error instanceof ContinueAsNew) throw error;
  const { input, plan, keys } = migration;
  operation.state.cancellable = false;
  await operation.enter('roll-back');
  await undoMigration({ source: input.source, indexes: plan.indexes, keys });
  if (input.source.secret !== null) await forgetSecret({ secret: input.source.secret });
  await operation.finish(isCancellation(error) ? 'canceled' : 'failed', textOf(error));
  throw error;
}
