/**
 * Records the histories that `replay.test.ts` replays: one whole run of each workflow with every branch
 * that operators use. Run it by hand (`MIROIR_RECORD=1 npx jest test/replay`) when a workflow is
 * changed on purpose and a new version of its history is wanted. What was recorded stays as it is:
 * `sync-shards-reverse-refused` is of a version that ended such a run as failed, and has no scene any more.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { groupId, indexUid, nodeId, physicalUid, shardId } from '../../core/ids';
import type { ChangeInput, OperationPlan, ProgressView } from '../../core/operations';
import type { PlacementChange } from '../../core/placement-change';
import type { SyncLoss, SyncLossType } from '../../core/sync-losses';
import { syncId } from '../../workflows/ids';
import { waitFor } from '../support/wait-for';
import {
  FakeWorld,
  importInput,
  planOf,
  runOptions,
  startRuns,
  syncInput,
} from '../workflows/run-for-test';
import type { TestRuns } from '../workflows/run-for-test';

export const histories = join(__dirname, 'histories');
const { History } = temporal.api.history.v1;
/** Names for enums, base64 for bytes: what `historyOf` reads back. */
const readable = { enums: String, longs: String, bytes: String };

export const historyOf = (text: string) => History.fromObject(JSON.parse(text) as object);

const version = 'v0.1.0';
const who = { who: 'ada' };

async function phase(handle: WorkflowHandle, wanted: string): Promise<void> {
  await waitFor(async () => (await handle.query<ProgressView, []>('progress')).phase === wanted, {
    what: `the phase ${wanted}`,
  });
}

/** Says `proceed` when the run waits for it at this node. */
async function proceed(handle: WorkflowHandle, node: string): Promise<void> {
  await phase(handle, `restart ${node}`);
  await waitFor(
    async () => (await handle.executeUpdate('proceed', { args: [who] }).catch(() => null)) !== null,
    { what: `proceed at ${node}` },
  );
}

async function save(name: string, handle: WorkflowHandle): Promise<void> {
  // A run that failed has a history that is as good to replay as one that succeeded.
  await handle.result().catch(() => undefined);
  mkdirSync(histories, { recursive: true });
  const history = History.toObject(History.fromObject(await handle.fetchHistory()), readable);
  // Who recorded it is nobody's business.
  const text = JSON.stringify(history).replace(/"identity":"\d+@[^"]*"/g, '"identity":"worker"');
  writeFileSync(fileOf(name), `${text}\n`);
}

const fileOf = (name: string): string => join(histories, `${name}.${version}.json`);

type Scene = (runs: TestRuns, world: FakeWorld) => Promise<WorkflowHandle>;

const grace = { ...syncInput, options: { ...syncInput.options, graceMs: 60_000 } };
const auto = { ...runOptions, autoApprove: true };
const target = (): string => `r${String(process.pid)}x${String(Date.now())}`;
const added = {
  ...{ id: nodeId('meili-9'), url: 'http://meili-9:7700', group: groupId(0) },
  zone: null,
  weight: 1,
};

const setWeight = { kind: 'set-node', node: nodeId('meili-1'), weight: 2, zone: null } as const;
const reshardTo = (shardCount: number): PlacementChange => {
  const { index, physicalUid: uid } = syncInput;
  return { kind: 'reshard', index, physicalUid: uid, shardCount };
};
const change = (one: PlacementChange): ChangeInput => ({
  ...{ change: one, ...who, why: 'record', options: auto },
});

/** A plan with one sync, and with the change that leads back: of 16 shards, of a weight of 1. */
function planFor(one: PlacementChange): OperationPlan {
  const undo: PlacementChange =
    one.kind === 'reshard'
      ? { ...one, shardCount: 16 }
      : one.kind === 'set-node'
        ? { ...one, weight: 1 }
        : { kind: 'rebalance', group: null };
  return { ...planOf([target()], 7), change: one, undo };
}
const drill = {
  ...{ backup: null, batch: { documents: 10, bytes: 1_000 }, ...who, why: 'record' },
};

const antiEntropy = {
  ...{ physicalUid: null, repair: true, documentsPerSecond: null, ...who, why: 'record' },
  options: auto,
};

const cursorAt = (shardAt: number) => ({ shardAt, nextSlot: 0, compared: 5, sent: 5 });
const lossOf = (type: SyncLossType, loss: SyncLoss): ApplicationFailure =>
  ApplicationFailure.create({ message: 'lost', type, nonRetryable: true, details: [loss] });

const scenes: Readonly<Record<string, Scene>> = {
  'sync-shards-move': (runs, world) => {
    world.answer('joinUnderFence', { joined: false, reason: 'the source is busy' });
    world.answer('cutOver', { ok: false, reason: 'stale' });
    return runs.start('syncShards', syncInput);
  },
  'sync-shards-cancel': async (runs, world) => {
    const gate = world.gate('copyRanges');
    const handle = await runs.start('syncShards', syncInput);
    await waitFor(() => gate.reached > 0, { what: 'the copy' });
    await handle.executeUpdate('pause', { args: [who] });
    await handle.executeUpdate('cancel', { args: [who] });
    return handle;
  },
  'sync-shards-reverse': async (runs) => {
    const handle = await runs.start('syncShards', grace);
    await phase(handle, 'grace');
    await handle.executeUpdate('reverse', { args: [who] });
    return handle;
  },
  // The first source is away too long in the copy, and the one that took over falls behind after the join.
  'sync-shards-outlive': (runs, world) => {
    const { shards } = syncInput;
    const away = { nodes: [nodeId('meili-0')], progress: cursorAt(1) };
    world.fail('copyRanges', lossOf('node-away', away));
    world.fail(
      'verifyCopy',
      lossOf('source-behind', { nodes: [nodeId('meili-2')], progress: null }),
    );
    world.answer(
      'awaitSources',
      { ok: true, changed: true, feeds: [{ node: nodeId('meili-2'), group: groupId(0), shards }] },
      { ok: true, changed: true, feeds: [{ node: nodeId('meili-3'), group: groupId(0), shards }] },
    );
    return runs.start('syncShards', grace);
  },
  'sync-shards-reverse-goes-on': async (runs, world) => {
    world.answer('reverseCutOver', { ok: false, reason: 'shard 0 on meili-0: it is stale' });
    const handle = await runs.start('syncShards', grace);
    await phase(handle, 'grace');
    await handle.executeUpdate('reverse', { args: [who] });
    return handle;
  },
  'sync-shards-repair-cancel': async (runs, world) => {
    world.answer('staleCopies', [shardId(3)]);
    const gate = world.gate('openTarget');
    const handle = await runs.start('syncShards', { ...syncInput, kind: 'copy' });
    await waitFor(() => gate.reached > 0, { what: 'the opening' });
    await handle.executeUpdate('cancel', { args: [who] });
    return handle;
  },
  'rebalance-approve': async (runs, world) => {
    world.plans = [planOf([target(), `${target()}b`], 7)];
    const handle = await runs.start('rebalance', {
      ...{ group: groupId(0), parent: null, ...who, why: 'record', options: runOptions },
    });
    await phase(handle, 'approve');
    await handle.executeUpdate('approve', { args: [{ ...who, epoch: 7 }] });
    return handle;
  },
  'repair-replica': (runs, world) => {
    world.plans = [planOf([target()], 7)];
    return runs.start('repairReplica', {
      ...{ node: nodeId('meili-1'), physicalUid: null, ...who, why: 'record', options: auto },
    });
  },
  'add-node': (runs, world) => {
    world.plans = [planOf([target()], 7)];
    return runs.start('addNode', { node: added, ...who, why: 'record', options: auto });
  },
  'drain-node': (runs, world) => {
    world.plans = [planOf([target()], 7)];
    return runs.start('drainNode', {
      ...{ node: nodeId('meili-9'), parent: null, ...who, why: 'record', options: auto },
    });
  },
  'remove-node-lost': (runs, world) => {
    world.plans = [planOf([target()], 7)];
    return runs.start('removeNode', {
      ...{ node: nodeId('meili-9'), lost: true, ...who, why: 'record', options: auto },
    });
  },
  'set-node-cancel': async (runs, world) => {
    world.plans = [planFor(setWeight), planOf([], 8)];
    const gate = world.gate('copyRanges');
    const handle = await runs.start('setNode', change(setWeight));
    await waitFor(() => gate.reached > 0, { what: 'the copy' });
    await handle.executeUpdate('cancel', { args: [who] });
    return handle;
  },
  'replace-node': (runs, world) => {
    const replace = { kind: 'replace-node', old: nodeId('meili-1'), node: added, lost: false };
    world.plans = [planFor(replace as PlacementChange)];
    return runs.start('replaceNode', change(replace as PlacementChange));
  },
  'add-group-reverse': async (runs, world) => {
    const group = { kind: 'add-group', group: groupId(1), nodes: [added] } as const;
    world.plans = [planFor(group), planOf([], 8)];
    const options = { ...auto, graceMs: 60_000 };
    const [sync = syncInput] = world.plans[0]?.syncs ?? [];
    const handle = await runs.start('addGroup', { ...change(group), options });
    const child = syncId(sync);
    await waitFor(() => world.view(child)?.phase === 'grace', { what: 'the grace time' });
    await handle.executeUpdate('reverse', { args: [who] });
    return handle;
  },
  'remove-group': (runs, world) => {
    const group = { kind: 'remove-group', group: groupId(1), lost: false } as const;
    const { physicalUid: uid, index, shards } = syncInput;
    const removals = [
      { physicalUid: uid, index, group: groupId(1), node: nodeId('meili-9'), shards },
    ];
    world.plans = [{ ...planOf([], 7), removals, change: group, undo: null }];
    return runs.start('removeGroup', change(group));
  },
  'set-replication': (runs, world) => {
    const { index, physicalUid: uid } = syncInput;
    const factors = [{ index, physicalUid: uid, replicationFactor: 2 }];
    world.plans = [planFor({ kind: 'set-replication', factors })];
    return runs.start('setReplication', change({ kind: 'set-replication', factors }));
  },
  'reshard-index-up': (runs, world) => {
    world.answer('reshardCatalogue', { done: false, reason: '2 writes', final: false });
    world.plans = [planFor(reshardTo(64))];
    return runs.start('reshardIndex', change(reshardTo(64)));
  },
  'reshard-index-down': (runs, world) => {
    world.plans = [planFor(reshardTo(8))];
    return runs.start('reshardIndex', change(reshardTo(8)));
  },
  'plan-operation': (runs, world) => {
    world.plans = [planFor(setWeight)];
    return runs.start('planOperation', change(setWeight));
  },
  'upgrade-nodes': async (runs, world) => {
    world.answer('countStale', 2, 0);
    world.plans = [planOf([target()], 7)];
    world.answer('inspectNode', {
      ...{ ok: false, reason: 'meili-1 runs 1.49.0', version: '1.49.0', indexes: [] },
    });
    world.gate('awaitVersion');
    const handle = await runs.start('upgradeNodes', {
      ...{ nodes: [nodeId('meili-1'), nodeId('meili-2')], version: '1.50.0', restart: 'operator' },
      ...{ acceptUnavailable: false, ...who, why: 'record', options: runOptions },
    });
    await phase(handle, 'approve');
    await handle.executeUpdate('approve', { args: [{ ...who, epoch: 5 }] });
    for (const node of ['meili-1', 'meili-1', 'meili-2']) await proceed(handle, node);
    return handle;
  },
  'rebuild-node': (runs, world) => {
    world.plans = [planOf([target()], 7)];
    return runs.start('rebuildNode', {
      ...{ node: nodeId('meili-1'), acceptLoss: false, ...who, why: 'record', options: auto },
    });
  },
  'scheduled-repair': (runs, world) => {
    const [repair, rebuild] = [nodeId(target()), nodeId(`${target()}x`)];
    world.answer('findRepairs', { repair: [repair], rebuild: [rebuild], left: ['meili-9'] });
    return runs.start('scheduledRepair', { options: auto });
  },
  'anti-entropy': (runs, world) => {
    world.answer('settleDifferences', { nodes: [nodeId(target())] });
    return runs.start('antiEntropy', antiEntropy);
  },
  'anti-entropy-cancel': async (runs, world) => {
    const gate = world.gate('compareIndex');
    const handle = await runs.start('antiEntropy', antiEntropy);
    await waitFor(() => gate.reached > 0, { what: 'the comparison' });
    await handle.executeUpdate('cancel', { args: [who] });
    return handle;
  },
  'scheduled-anti-entropy': (runs) => runs.start('scheduledAntiEntropy', antiEntropy),
  'migrate-instance': async (runs) => {
    const handle = await runs.start('migrateInstance', {
      ...{ source: { url: 'http://old:7700', secret: 'secret-1' }, indexes: null, keys: true },
      ...{ ...who, why: 'record', options: { ...runOptions, followEveryMs: 200 } },
    });
    await phase(handle, 'approve');
    await handle.executeUpdate('approve', { args: [{ ...who, epoch: 5 }] });
    await phase(handle, 'follow');
    await waitFor(
      async () =>
        (await handle.executeUpdate('proceed', { args: [who] }).catch(() => null)) !== null,
      { what: 'the switch' },
    );
    return handle;
  },
  'settings-broadcast': (runs) =>
    runs.start('settingsBroadcast', { physicalUid: physicalUid('p-1'), ...who, why: 'record' }),
  'rollover-alias': (runs) =>
    runs.start('rolloverAlias', {
      ...{ policy: 'logs', force: false, dryRun: false, ...who, why: 'record' },
    }),
  'scheduled-rollover': (runs) =>
    runs.start('scheduledRollover', {
      ...{ policy: target(), force: false, dryRun: false, ...who, why: 'record' },
    }),
  'run-canary': (runs) => runs.start('runCanary', { canary: 'top-10' }),
  'import-archive': async (runs, world) => {
    const cursor = { indexAt: 0, line: 10, documents: 4, setAside: 6 };
    world.answer('importDocuments', { cursor, outcome: 'paused' }, { cursor, outcome: 'too-many' });
    const handle = await runs.start('importArchive', importInput);
    await phase(handle, 'documents');
    const paused = async (): Promise<boolean> =>
      (await handle.query<ProgressView, []>('progress')).status === 'paused';
    await waitFor(paused, { what: 'the import to ask' });
    await handle.executeUpdate('resume', { args: [who] });
    return handle;
  },
  'import-archive-cancel': async (runs, world) => {
    const gate = world.gate('importDocuments');
    const handle = await runs.start('importArchive', importInput);
    await waitFor(() => gate.reached > 0, { what: 'the documents' });
    await handle.executeUpdate('cancel', { args: [who] });
    return handle;
  },
  'create-dump': (runs) => runs.start('createDump', { taskUid: 7, ...who, why: 'record' }),
  'create-dump-failed': (runs, world) => {
    world.fail('assembleDump', ApplicationFailure.nonRetryable('full', 'archive-refused'));
    return runs.start('createDump', { taskUid: 7, ...who, why: 'record' });
  },
  'export-indexes': (runs) => runs.start('exportIndexes', { taskUid: 7, ...who, why: 'record' }),
  'export-indexes-failed': (runs, world) => {
    world.fail('planExport', ApplicationFailure.nonRetryable('not filterable', 'export-filter'));
    return runs.start('exportIndexes', { taskUid: 7, ...who, why: 'record' });
  },
  'create-backup': (runs) => runs.start('createBackup', { keep: 7, ...who, why: 'record' }),
  'restore-drill': (runs, world) => {
    world.answer('compareRestored', ['films has 19 documents, the backup 20.']);
    return runs.start('restoreDrill', drill);
  },
  'scheduled-backup': (runs) => runs.start('scheduledBackup', { keep: 7, ...who, why: 'record' }),
  'scheduled-drill': (runs) => runs.start('scheduledDrill', drill),
  'scheduled-canary': (runs) => runs.start('scheduledCanary', { canary: target() }),
  'settings-check-repair': (runs, world) => {
    const drifted = {
      ...{ physicalUid: physicalUid(target()), index: indexUid('products') },
      nodes: [{ node: nodeId('meili-1'), settings: ['synonyms'] }],
    };
    world.answer('checkSettings', { indexes: 1, drifted: [drifted], unanswered: [] });
    return runs.start('settingsCheck', {
      ...{ physicalUid: null, repair: true, ...who, why: 'record' },
    });
  },
  'scheduled-settings-check': (runs) =>
    runs.start('scheduledSettingsCheck', {
      ...{ physicalUid: physicalUid(target()), repair: false, ...who, why: 'record' },
    }),
  'expire-documents': (runs, world) => {
    world.answer('expiringIndexes', [physicalUid('p-1'), physicalUid('p-2')]);
    world.answer('sweepIndex', { deleted: 3, left: 1, outcome: 'paused' });
    return runs.start('expireDocuments', {
      ...{ physicalUid: null, options: sweepOptions, ...who, why: 'record' },
    });
  },
  'scheduled-expiry': (runs) =>
    runs.start('scheduledExpiry', {
      ...{ physicalUid: physicalUid(target()), options: sweepOptions, ...who, why: 'record' },
    }),
};

const sweepOptions = { documentsPerSecond: null, batchDocuments: 100, documentsMax: 1_000 };

/** Records the scenes that have no history yet, one after another. */
export async function record(): Promise<string[]> {
  for (const [name, scene] of Object.entries(scenes)) {
    if (existsSync(fileOf(name))) continue;
    const world = new FakeWorld();
    const runs = await startRuns(world);
    try {
      await save(name, await scene(runs, world));
    } finally {
      await runs.close();
    }
  }
  return Object.keys(scenes);
}
