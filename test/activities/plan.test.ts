/**
 * Goal: plans say what will be moved, deterministic and with counts from the nodes; nodes come and go only
 * where that is safe; two operations never hold one group.
 * Method: activities against embedded nodes and a real Valkey.
 */
import { groupId, nodeId, shardId } from '../../core/ids';
import type { OperationPlan } from '../../core/operations';
import { waitFor } from '../support/wait-for';
import { config, documentsOf, origin, products, shardCount, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';

describe('planning and nodes', () => {
  let fleet: TestFleet;

  beforeEach(async () => {
    fleet = await startFleet(3);
    await fleet.write(documentsOf(0, 300));
  });

  afterEach(() => fleet.close());

  const plan = () => fleet.run('planRebalance', { group: groupId(0) });
  const moved = ({ syncs }: OperationPlan) => syncs.flatMap(({ shards }) => shards).length;

  test('a rebalance plan moves the fair share and counts it on the source', async () => {
    const first = await plan();
    // Eight shards over three nodes: two nodes may have three, so at least two and at most three each.
    expect(first.syncs.map(({ source, kind }) => [source, kind])).toEqual([
      ['meili-0', 'move'],
      ['meili-0', 'move'],
    ]);
    expect(moved(first)).toBe(5);
    const shards = first.syncs.flatMap((sync) => sync.shards);
    expect(first.documents).toBe((await fleet.documents(0, shards)).size);
    expect(first.bytes).toBeGreaterThan(first.documents * 50);
    expect(first.onlyCopies).toBe(5);
    const after = first.nodes.map(({ documentsAfter }) => documentsAfter);
    expect(first.nodes.map(({ documentsNow }) => documentsNow)).toEqual([300, 0, 0]);
    expect(after.reduce((sum, count) => sum + count, 0)).toBe(300);
    expect(await plan()).toEqual(first);
  });

  test('a source that missed the creation of an index is planned with nothing on it', async () => {
    for (let shard = 0; shard < shardCount; shard += 1) {
      await fleet.setRow(shard, 'meili-2:in-sync');
    }
    const planned = await plan();
    expect(planned.syncs.map(({ source }) => source)).toContain('meili-2');
    expect(planned).toMatchObject({ documents: 0, bytes: 0 });
  });

  test('a plan stays fresh while the same syncs are needed, whatever the epoch', async () => {
    const seen = await plan();
    await fleet.setRow(7, 'meili-0:in-sync');
    const request = { plan: seen, rebalance: { group: groupId(0) }, repair: null };
    const checked = await fleet.run('checkPlan', request);
    expect(checked.fresh).toBe(true);
    expect(checked.plan.epoch).toBeGreaterThan(seen.epoch);
    const intent = { ...origin, node: nodeId('meili-2'), intent: 'draining' as const };
    await fleet.run('setNodeIntent', intent);
    expect(await fleet.run('checkPlan', request)).toMatchObject({ fresh: false });
  });

  test('a plan that needs other groups than the approved one has claimed is not fresh', async () => {
    const seen = await plan();
    const rebalance = { group: groupId(0) };
    const check = (groups: typeof seen.groups) =>
      fleet.run('checkPlan', { plan: { ...seen, groups }, rebalance, repair: null });
    expect(await check(seen.groups)).toMatchObject({ fresh: true });
    expect(await check([...seen.groups, groupId(1)])).toMatchObject({ fresh: false });
    expect(await check([])).toMatchObject({ fresh: false });
  });

  test('copies beyond the replication factor are removed by a plan', async () => {
    for (let shard = 0; shard < shardCount; shard += 1) {
      await fleet.setRow(shard, `meili-${String(shard % 3)}:in-sync`);
    }
    const balanced = await plan();
    expect(balanced.syncs).toEqual([]);
    await fleet.setRow(0, 'meili-0:in-sync meili-1:stale');
    expect((await plan()).removals).toMatchObject([{ node: 'meili-1', shards: [0] }]);
  });

  test('a repair copies from in-sync copies and leaves what has none', async () => {
    await fleet.setRow(0, 'meili-1:stale meili-0:in-sync');
    await fleet.setRow(3, 'meili-1:stale meili-2:in-sync');
    await fleet.setRow(4, 'meili-1:stale');
    const client = fleet.client(2);
    await client.waitForTask(await client.createIndex(products, 'id'));
    await fleet.run('openTarget', fleet.ref({ target: nodeId('meili-2'), shards: [shardId(1)] }));
    const repair = await fleet.run('planRepair', { node: nodeId('meili-1'), physicalUid: null });
    expect(repair.syncs).toMatchObject([
      { source: 'meili-0', target: 'meili-1', kind: 'copy', shards: [0] },
      { source: 'meili-2', target: 'meili-1', kind: 'copy', shards: [3] },
    ]);
    expect(repair.notKept).toEqual(['Shard 4 of products has no in-sync copy to repair it from.']);
  });

  test('what a clean-up left on a node that was away is in the next plan, whoever makes it', async () => {
    await fleet.setRow(0, 'meili-0:in-sync meili-1:leaving');
    const left = [{ group: 0, node: 'meili-1', shards: [0] }];
    const repair = await fleet.run('planRepair', { node: nodeId('meili-1'), physicalUid: null });
    expect(repair).toMatchObject({ syncs: [], removals: left, groups: [0] });
    const { removals, syncs } = await fleet.run('planRebalance', { group: groupId(0) });
    expect(removals).toMatchObject(left);
    expect(
      syncs.some(({ target, shards }) => target === 'meili-1' && shards.includes(shardId(0))),
    ).toBe(false);
    const found = await fleet.run('findRepairs', { nodesMax: 5 });
    expect(found.repair).toEqual(['meili-1']);
  });

  test('a node is adopted once, under one name', async () => {
    const [, , third] = fleet.nodes;
    if (third === undefined) throw new Error('no third node');
    const input = {
      ...origin,
      node: { id: third.id, url: third.url, group: groupId(0), zone: null, weight: 2 },
      options: {
        ...{ documentsPerSecond: null, graceMs: 0, smallRoundIds: 1, parallelSyncs: 1 },
        ...{ autoApprove: true, approvalExpiryMs: 1_000 },
      },
    };
    expect(await fleet.run('checkNewNode', input)).toEqual({ ok: true });
    const first = await fleet.run('adoptNode', input);
    expect(await fleet.run('adoptNode', input)).toEqual(first);
    const { nodes } = await fleet.store.fleet.load();
    expect(nodes.find(({ id }) => id === third.id)).toMatchObject({ weight: 2, ...first });

    const twin = { ...input, node: { ...input.node, id: nodeId('meili-7') } };
    expect(await fleet.run('checkNewNode', twin)).toEqual({
      ok: false,
      reason: `${third.url} is the node meili-2 already.`,
    });
    const elsewhere = { ...input, node: { ...input.node, group: groupId(1) } };
    expect(await fleet.run('checkNewNode', elsewhere)).toMatchObject({ ok: false });
    // It was taken in after the other operation had checked it.
    await expect(fleet.run('adoptNode', elsewhere)).rejects.toMatchObject({
      type: 'change-refused',
      nonRetryable: true,
    });
    await fleet.run('removeNode', { ...origin, node: third.id });
    expect(await fleet.run('checkNewNode', twin)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/was the node meili-2/),
    });
  });

  test('a node with documents from a life before is refused', async () => {
    await fleet.run('removeNode', { ...origin, node: nodeId('meili-2') });
    const [, , third] = fleet.nodes;
    const client = fleet.client(2);
    const ghost = new TextEncoder().encode('[{"id":"ghost"}]');
    await client.waitForTask(await client.addDocuments(products, 'POST', ghost));
    const node = { ...third, id: nodeId('meili-2'), url: third?.url ?? '', group: groupId(0) };
    const input = { ...origin, node: { ...node, zone: null, weight: 1 }, options: {} as never };
    expect(await fleet.run('checkNewNode', input)).toEqual({
      ok: false,
      reason: 'meili-2 has documents of products from a life before; empty it first.',
    });
  });

  test('the last in-sync copy is never given up', async () => {
    const node = nodeId('meili-0');
    expect(await fleet.run('mayLeave', { node, lost: false })).toEqual({ ok: true, group: 0 });
    expect(await fleet.run('mayLeave', { node, lost: true })).toMatchObject({ ok: false });
    expect(await fleet.run('forgetCopies', { ...origin, node })).toMatchObject({ ok: false });
    expect(await fleet.run('removeNode', { ...origin, node })).toEqual({
      ok: false,
      reason: 'meili-0 still holds shards of products.',
    });
    for (let shard = 0; shard < shardCount; shard += 1) {
      await fleet.setRow(shard, 'meili-0:in-sync meili-1:in-sync');
    }
    expect(await fleet.run('forgetCopies', { ...origin, node })).toEqual({ ok: true });
    expect(await fleet.row(2)).toBe('meili-1:in-sync');
    expect(await fleet.run('removeNode', { ...origin, node })).toEqual({ ok: true });
  });

  test('a group without another active node cannot be drained', async () => {
    for (const id of ['meili-1', 'meili-2']) {
      await fleet.run('setNodeIntent', { ...origin, node: nodeId(id), intent: 'draining' });
    }
    expect(await fleet.run('mayLeave', { node: nodeId('meili-0'), lost: false })).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/last active node of group 0/),
    });
  });

  test('of two drains that were both allowed, the second is refused when it begins', async () => {
    const drain = (id: string) =>
      fleet.run('setNodeIntent', {
        ...{ ...origin, node: nodeId(id), intent: 'draining', unlessLast: true },
      });
    for (let shard = 0; shard < shardCount; shard += 1) {
      await fleet.setRow(shard, 'meili-0:in-sync meili-1:in-sync');
    }
    await drain('meili-2');
    const allowed = await fleet.run('mayLeave', { node: nodeId('meili-0'), lost: false });
    expect(allowed).toMatchObject({ ok: true });
    await drain('meili-1');
    await expect(drain('meili-0')).rejects.toMatchObject({ type: 'change-refused' });
    // A second call after a lost answer is no second drain.
    await drain('meili-1');
    const { nodes } = await fleet.store.fleet.load();
    expect(nodes.map(({ intent }) => intent)).toEqual(['active', 'draining', 'draining']);
  });

  test('one operation holds a group; a claim of a closed run is taken over', async () => {
    const groups = [groupId(0), groupId(1)];
    const open = jest.spyOn(fleet.tools.runs, 'isOpen').mockResolvedValue(true);
    const claim = (operation: string, of = groups) =>
      fleet.run('claimGroups', { operation, groups: of });
    expect(await claim('rebalance/all')).toEqual({ ok: true });
    expect(await claim('rebalance/all')).toEqual({ ok: true });
    expect(await claim('repair/meili-1', [groupId(1), groupId(2)])).toEqual({
      ok: false,
      reason: 'the groups are in use, or wanted earlier, by rebalance/all',
    });
    // All or none: group 2 is free, but who asked for it first gets it first.
    expect(await claim('drain-node/x', [groupId(2)])).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/by repair\/meili-1$/),
    });
    expect(await claim('drain-node/z', [groupId(3)])).toEqual({ ok: true });
    open.mockResolvedValue(false);
    expect(await claim('repair/meili-1', [groupId(1)])).toEqual({ ok: true });
    await fleet.run('releaseGroups', { operation: 'repair/meili-1' });
    open.mockResolvedValue(true);
    expect(await claim('add-node/y', [groupId(1)])).toEqual({ ok: true });
  });

  test('the barrier waits for the longest request after the last acknowledgement', async () => {
    const { pods } = fleet.store;
    const pod = 'pod-slow' as never;
    await pods.register({ id: pod, kind: 'api', nodeKeyUid: 'k' });
    const epoch = await fleet.store.fleet.epoch();
    let passed = false;
    const barrier = fleet
      .run('passBarrier', { epoch, operation: 'test' })
      .then(() => (passed = true));
    const sleeps = jest.spyOn(fleet.tools.clock, 'sleep');
    await waitFor(() => sleeps.mock.calls.length > 3, { what: 'the barrier to look again' });
    expect(passed).toBe(false);
    await pods.heartbeat(pod, epoch);
    const acknowledged = await pods.lastAcknowledgedAt(epoch);
    await barrier;
    const waited = (await pods.time()) - (acknowledged ?? 0);
    expect(waited).toBeGreaterThan(config.requestDeadlineMs + config.barrierExtraMs);
  });
});
