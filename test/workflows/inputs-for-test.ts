import type { ArchiveStart, ImportInput, ImportPlan } from '../../core/archives/types';
import type { ExportTarget } from '../../core/export/types';
import { epoch, groupId, indexUid, nodeId, physicalUid, shardId } from '../../core/ids';
import type { MigratedIndex } from '../../core/migration';
import type { OperationPlan, PlannedSync, RunOptions, SyncInput } from '../../core/operations';

/** What the workflows are started with in tests, and what fake activities answer. */

export const exportTargets: ExportTarget[] = ['books', 'films'].map((name) => ({
  ...{ uid: indexUid(name), physicalUid: physicalUid(`${name}-1`), pattern: '*' },
}));

export const importPlan: ImportPlan = {
  ...{ version: '1.50.0', madeAt: '2026-01-01T00:00:00Z', documents: 20, bytes: 400, keys: 2 },
  ...{ aliases: 0, notes: [] },
  indexes: [
    {
      ...{ from: 'films', uid: indexUid('films'), physicalUid: physicalUid('films-1') },
      ...{ primaryKey: 'id', documents: 20, exists: false },
    },
  ],
};

export const archiveStart: ArchiveStart = {
  ...{ upToTask: 7, startedAt: '2026-01-01T00:00:00.000Z' },
  indexes: [{ uid: indexUid('films'), physicalUid: physicalUid('films-1') }],
};

export const importInput: ImportInput = {
  ...{ id: 'one', source: { kind: 'upload', id: 'one', parts: 1 }, who: 'ada', why: 'test' },
  ...{ indexes: null, prefix: '', existing: 'refuse', keys: true, features: true, aliases: true },
  ...{ batch: { documents: 10, bytes: 1_000 }, rejectedMax: 5, dryRun: false },
  ...{ documentsPerSecond: null, heartbeatTimeoutMs: 2_000 },
};

export const runOptions: RunOptions = {
  documentsPerSecond: null,
  graceMs: 50,
  smallRoundIds: 10,
  parallelSyncs: 2,
  autoApprove: false,
  approvalExpiryMs: 60_000,
  heartbeatTimeoutMs: 2_000,
};

export const migratedIndex: MigratedIndex = {
  ...{ uid: indexUid('films'), staging: indexUid('miroir-migrating-films') },
  ...{ documents: 10, bytes: 100 },
};

export const syncInput: SyncInput = {
  physicalUid: physicalUid('products-1'),
  index: indexUid('products'),
  group: groupId(0),
  sourceGroup: groupId(0),
  source: nodeId('meili-0'),
  target: nodeId('meili-1'),
  shards: [shardId(0), shardId(3)],
  kind: 'move',
  who: 'ada',
  why: 'test',
  parent: null,
  options: { documentsPerSecond: null, graceMs: 50, smallRoundIds: 10, heartbeatTimeoutMs: 2_000 },
};

export function planOf(targets: readonly string[], at: number): OperationPlan {
  const { who: _, why: __, parent: ___, options: ____, ...pair } = syncInput;
  const syncs: PlannedSync[] = targets.map((target) => {
    return { ...pair, target: nodeId(target), documents: 10, bytes: 100 };
  });
  return {
    ...{
      epoch: epoch(at),
      groups: [groupId(0)],
      syncs,
      removals: [],
      more: 0,
      documents: 0,
      bytes: 0,
    },
    ...{ minutes: 0, documentsPerSecond: 100, nodes: [], notKept: [], onlyCopies: 0 },
  };
}
