/**
 * Goal: a worker process registers itself, makes the schedules of the records, and leaves nothing behind;
 * and a sync ends the same when the worker is killed at the beginning of a phase.
 * Method: real worker processes, killed by their own failpoint and replaced, with embedded nodes, a real
 * Valkey and a real Temporal.
 */
import { Client, Connection } from '@temporalio/client';
import type { SyncInput, SyncReport } from '../../core/operations';
import { indexUid } from '../../core/ids';
import { canaryScheduleId, rolloverScheduleId } from '../../workflows/ids';
import { documentsOf, startFleet } from '../activities/fleet-for-test';
import type { TestFleet } from '../activities/fleet-for-test';
import { temporalForTest } from '../support/temporal';
import { waitFor } from '../support/wait-for';
import { startWorkerProcess } from './worker-for-test';
import type { WorkerProcess } from './worker-for-test';

jest.setTimeout(90_000);

describe('a worker process', () => {
  const temporal = temporalForTest();
  const workers: WorkerProcess[] = [];
  let fleet: TestFleet;
  let connection: Connection;
  let client: Client;

  beforeEach(async () => {
    fleet = await startFleet(2);
    connection = await Connection.connect({ address: temporal.address });
    client = new Client({ connection, namespace: temporal.namespace });
  });

  afterEach(async () => {
    for (const { child, ended } of workers.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
    await connection.close();
    await fleet.close();
  });

  const start = async (extra: Record<string, string> = {}): Promise<WorkerProcess> => {
    const worker = await startWorkerProcess(fleet, temporal, extra);
    workers.push(worker);
    return worker;
  };

  test('registers, acknowledges epochs, makes schedules, and signs off', async () => {
    const name = `p-${temporal.taskQueue}`;
    const at = '2026-01-01T00:00:00Z';
    await fleet.store.rolloverPolicies.put({
      ...{ name, version: 2, enabled: false, writeAlias: indexUid('logs'), readAlias: null },
      ...{ pattern: 'logs-{n}', triggers: { max_docs: 1, check_every: '5m' }, template: {} },
      ...{ retention: { keep_indexes: 2 }, updatedAt: at },
    });
    await fleet.store.canaries.put({
      ...{ id: name, index: indexUid('products'), enabled: false, query: {}, assertions: [] },
      ...{ intervalMs: 60_000, createdAt: at, updatedAt: at },
    });
    const worker = await start();
    const [pod] = await fleet.store.pods.list();
    expect(pod).toMatchObject({ kind: 'worker', alive: true });
    const policy = await client.schedule.getHandle(rolloverScheduleId(name)).describe();
    expect(policy).toMatchObject({
      state: { paused: true, note: `rollover policy ${name} version 2` },
      spec: { intervals: [{ every: 300_000 }] },
      action: { workflowType: 'scheduledRollover', taskQueue: temporal.taskQueue },
    });
    await client.schedule.getHandle(canaryScheduleId(name)).describe();

    await fleet.setRow(0, 'meili-0:in-sync');
    const epoch = await fleet.store.fleet.epoch();
    await waitFor(async () => (await fleet.store.pods.lagging(epoch)).length === 0, {
      what: 'the new epoch to be acknowledged',
    });
    worker.child.kill('SIGTERM');
    expect(await worker.ended).toEqual({ code: 0, signal: null });
    expect(await fleet.store.pods.list()).toEqual([]);
    await client.schedule.getHandle(rolloverScheduleId(name)).delete();
    await client.schedule.getHandle(canaryScheduleId(name)).delete();
  });

  test('ends when its parent does', async () => {
    const worker = await start({ MIROIR_PARENT: '1' });
    worker.child.stdin?.end();
    expect(await worker.ended).toEqual({ code: 0, signal: null });
  });

  test('a failpoint that does not exist is refused', async () => {
    await expect(start({ MIROIR_FAILPOINT: 'nowhere' })).rejects.toThrow(/must name some of open/);
  });

  // The phases in which the dead worker's half-done work matters most; test/e2e kills in all of them.
  const phases = ['copy', 'catch-up', 'join', 'canaries', 'cut-over'] as const;

  test.each(phases)('a sync survives a kill at the beginning of %s', async (phase) => {
    await fleet.write(documentsOf(0, 200));
    const killed = await start({ MIROIR_FAILPOINT: phase });
    const { runKey, ...pair } = fleet.ref();
    const input: SyncInput = {
      ...pair,
      parent: null,
      options: {
        ...{ documentsPerSecond: null, graceMs: 10, smallRoundIds: 50, heartbeatTimeoutMs: 1_000 },
      },
    };
    const handle = await client.workflow.start('syncShards', {
      workflowId: `${temporal.taskQueue}/${runKey}/${phase}`,
      taskQueue: temporal.taskQueue,
      args: [input],
    });
    expect(await killed.ended).toEqual({ code: null, signal: 'SIGKILL' });
    // Writes go on while nobody works on the sync.
    await fleet.write(documentsOf(100, 250, 1));
    await fleet.remove(['doc-1', 'doc-2', 'doc-3', 'doc-4', 'doc-5']);
    await start({ MIROIR_FAILPOINT: phase });
    const report = (await handle.result()) as SyncReport;
    expect(report).toMatchObject({ outcome: 'done', error: null });
    expect(await fleet.row(0)).toBe('meili-1:in-sync');
    const moved = await fleet.documents(1);
    const kept = await fleet.documents(0);
    expect(moved.size + kept.size).toBe(245);
    expect((await fleet.documents(0, [0, 3])).size).toBe(0);
    for (const [id, document] of [...moved, ...kept]) {
      const edition = Number(id.slice(4)) >= 100 ? 1 : 0;
      expect(document).toMatchObject({ title: `Title ${id.slice(4)} ${String(edition)}` });
    }
  });
});
