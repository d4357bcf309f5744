/**
 * Goal: a sync's activities make the target equal to the source, write by write, and leave nothing
 * behind when they are undone.
 * Method: activities in a mocked activity context against embedded nodes (and the real Meilisearch when
 * MEILISEARCH_BIN names one) and a real Valkey; a small writer plays an api pod.
 */
import { openSession } from '../../activities/sync/session';
import { createSender } from '../../activities/sync/sender';
import { shardId } from '../../core/ids';
import { waitFor } from '../support/wait-for';
import { documentsOf, origin, products, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';
import { engines } from './nodes-for-test';

const moving = [0, 3];

describe.each(engines)('a sync on %s nodes', (kind) => {
  let fleet: TestFleet;

  beforeEach(async () => {
    fleet = await startFleet(2, { kind });
    await fleet.write(documentsOf(0, 400));
  });

  afterEach(() => fleet.close());

  const open = async (): Promise<void> => {
    const { epoch } = await fleet.run('openTarget', fleet.ref());
    await fleet.run('passBarrier', { epoch, operation: 'sync/test' });
  };
  const copy = () => fleet.run('copyRanges', { ref: fleet.ref(), cursor: null });
  const equal = async (): Promise<void> => {
    const source = await fleet.documents(0, moving);
    expect(source.size).toBeGreaterThan(10);
    expect(await fleet.documents(1, moving)).toEqual(source);
  };

  test('moves two shards: copy, catch up, join, verify, cut over, clean up', async () => {
    await open();
    expect(await fleet.row(0)).toBe('meili-0:in-sync meili-1:syncing');
    const copied = await copy();
    expect(copied.outcome).toBe('done');
    await equal();

    // Writes during the sync go to the source only and are noted for the target.
    await fleet.write(documentsOf(100, 300, 1));
    await fleet.remove(['doc-5', 'doc-6', 'doc-7', 'doc-8', 'doc-9', 'doc-10', 'doc-11']);
    const round = await fleet.run('catchUpRound', fleet.ref());
    expect(round.handled).toBeGreaterThan(0);
    expect(round.left).toBe(0);
    await equal();

    await fleet.write(documentsOf(390, 450, 2));
    expect(await fleet.run('joinUnderFence', fleet.ref())).toMatchObject({ joined: true });
    expect(await fleet.row(3)).toBe('meili-0:in-sync meili-1:joined');
    await fleet.write(
      [
        { id: 'doc-0', extra: true },
        { id: 'doc-1', extra: true },
      ],
      'PUT',
    );
    const verified = await fleet.run('verifyCopy', fleet.ref());
    expect(verified.documents).toBe((await fleet.documents(0, moving)).size);
    await equal();

    expect(await fleet.run('cutOver', fleet.ref())).toEqual({ ok: true });
    expect(await fleet.row(0)).toBe('meili-0:joined meili-1:in-sync');
    const leave = {
      ...origin,
      physicalUid: products,
      group: fleet.ref().group,
      node: fleet.ref().source,
      shards: fleet.ref().shards,
      runKey: 'sync/test',
    };
    const epoch = await fleet.run('startLeaving', leave);
    expect(epoch).not.toBeNull();
    const before = (await fleet.documents(0)).size;
    const gone = (await fleet.documents(0, moving)).size;
    expect(await fleet.run('removeLeaving', leave)).toEqual({ deleted: gone });
    expect((await fleet.documents(0)).size).toBe(before - gone);
    expect(await fleet.row(0)).toBe('meili-1:in-sync');
    // Doing it again finds nothing to do.
    expect(await fleet.run('removeLeaving', leave)).toEqual({ deleted: 0 });
    expect(await fleet.run('startLeaving', leave)).toBeNull();
  });

  test('a second copy sends nothing, and extra documents on the target are deleted', async () => {
    await open();
    await copy();
    const client = fleet.client(1);
    const [newest] = (await client.tasks({ indexUids: [products], limit: 1 })).results;
    const [foreign] = [...(await fleet.documents(0, [0])).values()] as { id: string }[];
    await client.addDocuments(
      products,
      'POST',
      new TextEncoder().encode(JSON.stringify([{ ...foreign, id: 'stranger' }])),
    );
    const again = await copy();
    expect(again.cursor.sent).toBe(1);
    await equal();
    const tasks = (await client.tasks({ indexUids: [products], limit: 20 })).results.filter(
      ({ uid }) => uid > (newest?.uid ?? 0),
    );
    expect(tasks.map(({ type }) => type).sort()).toEqual([
      'documentAdditionOrUpdate',
      'documentDeletion',
    ]);
  });

  test('a write by filter makes the next round compare the whole shard', async () => {
    await open();
    await copy();
    const client = fleet.client(0);
    const shards = [shardId(0)];
    const nonce = 'pod-test:filter';
    await fleet.store.journals.note(
      products,
      shards,
      [{ shard: shardId(0), target: fleet.ref().target, ids: 'all' }],
      nonce,
    );
    await client.deleteByFilter(products, '_miroir_slot EXISTS');
    await fleet.store.journals.abandon(products, nonce);
    await fleet.run('catchUpRound', fleet.ref());
    expect((await fleet.documents(0, [0])).size).toBe(0);
    expect((await fleet.documents(1, [0])).size).toBe(0);
  });

  test('continues at the cursor of the attempt before', async () => {
    await open();
    const cursor = { shardAt: 1, nextSlot: 0, compared: 50, sent: 50 };
    const result = await fleet.run(
      'copyRanges',
      { ref: fleet.ref(), cursor: null },
      { attempt: 1, heartbeatDetails: cursor },
    );
    expect(result.cursor.compared).toBe(50 + (await fleet.documents(0, [3])).size);
    expect((await fleet.documents(1, [0])).size).toBe(0);
  });

  test('an older attempt may send nothing more', async () => {
    await open();
    const call = {
      ...{ attempt: 1, scheduledAt: 1, runId: 'run-1', signal: new AbortController().signal },
      ...{ beat: () => undefined, resumed: () => undefined },
    };
    const older = await openSession(fleet.tools, fleet.ref(), call);
    const newer = await openSession(fleet.tools, fleet.ref(), call);
    const bytes = new TextEncoder().encode('{"id":"doc-1"}');
    const documents = [{ id: 'doc-1', bytes, digest: '' }];
    const until = Date.now() + 1_000;
    await expect(createSender(older).upsert(documents, 'id', until)).rejects.toMatchObject({
      type: 'attempt-old',
    });
    expect((await fleet.documents(1)).size).toBe(0);
    await createSender(newer).upsert(documents, 'id', until);
    expect((await fleet.documents(1)).size).toBe(1);
  });

  test('small ranges do not wait for one another at the target', async () => {
    await open();
    const call = {
      ...{ attempt: 1, scheduledAt: 1, runId: 'run-1', signal: new AbortController().signal },
      ...{ beat: () => undefined, resumed: () => undefined },
    };
    const sender = createSender(await openSession(fleet.tools, fleet.ref(), call));
    const faults = fleet.nodes[1]?.faults;
    if (faults === null || faults === undefined) throw new Error('no faults');
    faults.add({ action: { kind: 'holdTasks' } });
    for (let at = 0; at < 20; at += 1) {
      const id = `small-${String(at)}`;
      const bytes = new TextEncoder().encode(JSON.stringify({ id }));
      await sender.upsert([{ id, bytes, digest: '' }], 'id', Date.now() + 5_000);
    }
    expect(sender.sent()).toBe(20);
    faults.clear();
    await sender.drain();
    expect((await fleet.documents(1)).size).toBe(20);
  });

  test('shards that are small go together, as many as fill a step', async () => {
    Object.assign(fleet.tools.config, { rangeDocumentsMax: 120 });
    const shards = [0, 1, 2, 3, 5, 7].map(shardId);
    const ref = fleet.ref({ shards });
    const { epoch } = await fleet.run('openTarget', ref);
    await fleet.run('passBarrier', { epoch, operation: 'sync/test' });
    const { cursor, outcome } = await fleet.run('copyRanges', { ref, cursor: null });
    const source = await fleet.documents(0, shards);
    expect(outcome).toBe('done');
    expect(cursor).toEqual({
      ...{ shardAt: 6, nextSlot: 0, compared: source.size, sent: source.size },
    });
    expect(await fleet.documents(1, shards)).toEqual(source);
    const { results } = await fleet.client(1).tasks({ indexUids: [products], limit: 50 });
    // About fifty documents each: two shards are a step, three would be more than one.
    expect(results.filter(({ type }) => type === 'documentAdditionOrUpdate')).toHaveLength(3);

    const beaten = { shardAt: 4, nextSlot: 0, compared: 0, sent: 0 };
    const heartbeatDetails = { attempt: 1, heartbeatDetails: beaten };
    const again = await fleet.run('copyRanges', { ref, cursor: null }, heartbeatDetails);
    const rest = await fleet.documents(0, [5, 7]);
    expect(again.cursor).toEqual({ shardAt: 6, nextSlot: 0, compared: rest.size, sent: 0 });
  });

  test('what was read too long ago is not sent', async () => {
    await open();
    const call = {
      ...{ attempt: 1, scheduledAt: 1, runId: 'run-1', signal: new AbortController().signal },
      ...{ beat: () => undefined, resumed: () => undefined },
    };
    const sender = createSender(await openSession(fleet.tools, fleet.ref(), call));
    await expect(sender.remove(['doc-1'], Date.now() - 1)).rejects.toMatchObject({
      type: 'span-over',
    });
  });

  test('the join waits for a write that is still being sent, and is given up when the fence ends', async () => {
    await open();
    await copy();
    const outstanding = await fleet.store.writers.outstanding(products);
    expect(outstanding).toEqual([]);
    const acquired = await fleet.store.writers.acquire(products, 'pod-test' as never, 10_000);
    if (!acquired.ok) throw new Error('lease');
    const { epoch } = await fleet.store.fleet.load();
    await fleet.store.journals.note(
      products,
      [shardId(0)],
      [{ shard: shardId(0), target: fleet.ref().target, ids: ['doc-1'] }],
      'pod-test:slow',
    );
    const begun = await fleet.store.writers.begin({
      ...{ pod: 'pod-test' as never, physicalUid: products, fence: acquired.fence, epoch },
      ...{ shards: [shardId(0)], sequences: 1, nonce: 'pod-test:slow', changes: [] },
      task: {
        ...{
          indexUid: null,
          physicalUid: products,
          type: 'documentAdditionOrUpdate',
          details: null,
        },
        ...{ error: null, canceledBy: null, enqueuedAt: '2026-01-01T00:00:00Z', startedAt: null },
        ...{
          finishedAt: null,
          duration: null,
          batchUid: null,
          nodeTasks: [],
          shards: [shardId(0)],
        },
        extra: {},
      },
    });
    expect(begun.kind).toBe('ok');
    const join = await fleet.run('joinUnderFence', fleet.ref());
    expect(join).toEqual({ joined: false, reason: '1 writes are still being sent' });
    // The fence is down again: nothing is left that would hold a write.
    expect(await fleet.store.fences.raise(products, fleet.ref().shards, 'other', 1_000)).toBe(true);
    expect(await fleet.row(0)).toBe('meili-0:in-sync meili-1:syncing');
  });

  test('a source that missed the creation of the index gets it, but not where others have documents', async () => {
    const reversed = fleet.ref({
      ...{ source: fleet.ref().target, target: fleet.ref().source },
    });
    for (const shard of moving) await fleet.setRow(shard, 'meili-0:stale meili-1:in-sync');
    await expect(fleet.run('openTarget', reversed)).rejects.toMatchObject({
      type: 'replicas-changed',
      message: expect.stringContaining('meili-1 has lost the index'),
    });
    expect(await fleet.client(1).getIndex(products)).toBeNull();
    await fleet.client(0).waitForTask(await fleet.client(0).deleteAll(products));
    await fleet.run('openTarget', reversed);
    await fleet.run('passBarrier', {
      epoch: (await fleet.store.fleet.load()).epoch,
      operation: 'x',
    });
    expect(await fleet.run('copyRanges', { ref: reversed, cursor: null })).toMatchObject({
      outcome: 'done',
      cursor: { sent: 0 },
    });
  });

  test('verify finds a document that differs, and says where without naming it', async () => {
    await open();
    await copy();
    await fleet.run('joinUnderFence', fleet.ref());
    const [document] = [...(await fleet.documents(1, [0])).values()];
    const client = fleet.client(1);
    const changed = JSON.stringify([{ ...document, title: 'changed behind the back' }]);
    await client.waitForTask(
      await client.addDocuments(products, 'POST', new TextEncoder().encode(changed)),
    );
    await expect(fleet.run('verifyCopy', fleet.ref())).rejects.toMatchObject({
      type: 'copy-differs',
      nonRetryable: true,
      message: expect.stringMatching(/^1 documents in slots \d+ to \d+ differ/),
    });
  });

  test('verify leaves a copy that has missed a write to the cut-over, which refuses it', async () => {
    await open();
    await copy();
    await fleet.run('joinUnderFence', fleet.ref());
    const [id] = [...(await fleet.documents(1, [3])).keys()];
    const client = fleet.client(1);
    await client.waitForTask(await client.deleteDocuments(products, [String(id)]));
    await fleet.setRow(3, 'meili-0:in-sync meili-1:stale');
    await fleet.run('verifyCopy', fleet.ref());
    expect(await fleet.run('cutOver', fleet.ref())).toMatchObject({ ok: false });
  });

  test('a cancelled sync cleans the target before its rows leave the table', async () => {
    await open();
    await copy();
    const { group, target: node, shards } = fleet.ref();
    const leave = { ...origin, physicalUid: products, group, node, shards, runKey: 'sync/test' };
    await fleet.run('startLeaving', leave);
    expect(await fleet.row(0)).toBe('meili-0:in-sync meili-1:leaving');
    await fleet.run('removeLeaving', leave);
    expect(await fleet.row(0)).toBe('meili-0:in-sync');
    // The index on the node goes too, when the node holds nothing of it any more.
    const client = fleet.client(1);
    await waitFor(async () => (await client.getIndex(products)) === null, {
      what: 'the empty index to go',
    });
  });

  test('a repaired copy that is cancelled is stale again', async () => {
    await open();
    await copy();
    for (const shard of moving) await fleet.setRow(shard, 'meili-0:in-sync meili-1:stale');
    const repair = fleet.ref({ kind: 'copy' });
    const opened = await fleet.run('openTarget', repair);
    expect(opened.wasStale).toEqual(repair.shards);
    const { group, target: node, shards } = repair;
    const request = { ...origin, physicalUid: products, group, node, shards, runKey: 'sync/test' };
    await fleet.run('restoreStale', request);
    expect(await fleet.row(0)).toBe('meili-0:in-sync meili-1:stale');
  });

  test('leftovers of another life on the target are deleted before the first copy', async () => {
    const client = fleet.client(1);
    await client.waitForTask(await client.createIndex(products, 'id'));
    const leftovers = new TextEncoder().encode(JSON.stringify([{ id: 'ghost' }]));
    await client.waitForTask(await client.addDocuments(products, 'POST', leftovers));
    await open();
    expect((await fleet.documents(1)).size).toBe(0);
  });

  test('pauses between ranges and says where it stopped', async () => {
    await open();
    const view = {
      ...{ id: 'sync/test', kind: 'sync' as const, status: 'paused' as const, phase: 'copy' },
      progress: {
        ...{ done: 0, total: 0, documentsCopied: 0, waitingFor: null },
        ...{ paused: true, documentsPerSecond: null },
      },
      ...{ startedAt: 'x', updatedAt: 'x', temporal: { workflowId: 'sync/test', runId: 'run-1' } },
      ...origin,
    };
    await fleet.run('writeView', view);
    const stopped = await copy();
    expect(stopped.outcome).toBe('paused');
    await fleet.run('writeView', { ...view, progress: { ...view.progress, paused: false } });
    const ended = await fleet.run('copyRanges', { ref: fleet.ref(), cursor: stopped.cursor });
    expect(ended.outcome).toBe('done');
    await equal();
  });
});
