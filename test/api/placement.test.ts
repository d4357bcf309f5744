/**
 * Goal: bad input to the operations on placement gets a clear error before anything starts; good input is
 * started as the right workflow with its id; the way back of what is over is offered.
 * Method: a pod with a recorder in Temporal's place.
 */
import type { JobView } from '../../store/record-types';
import type { StartRun } from '../../api/temporal-gateway';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;
const started: StartRun[] = [];

beforeAll(async () => {
  fleet = await fleetForTest({
    nodes: 3,
    replicationFactor: 1,
    shards: 16,
    env: { MIROIR_OUTBOUND_ALLOW_LOOPBACK: 'true' },
  });
  pod = await fleet.pod();
  const start = (run: StartRun) => {
    started.push(run);
    return Promise.resolve({ workflowId: run.workflowId, runId: 'run' });
  };
  Object.assign(pod.ctx, { temporal: { start, close: () => Promise.resolve() } });
  await pod.write('POST', '/indexes/films/documents', [{ id: 1 }]);
});
afterAll(async () => {
  await fleet.close();
});

const send = (method: string, path: string, body?: unknown): Promise<Json> =>
  pod.send(method, `/_miroir${path}`, body, {
    authorization: `Bearer ${fleet.env['MIROIR_ADMIN_KEY']}`,
  });
const node = { id: 'meili-9', url: 'http://127.0.0.1:7999' };

test.each([
  ['PATCH', '/nodes/meili-0', {}, 400, 'bad_request'],
  ['PATCH', '/nodes/meili-0', { weight: 0 }, 400, 'bad_request'],
  ['PATCH', '/nodes/meili-0', { weight: '2' }, 400, 'bad_request'],
  ['PATCH', '/nodes/meili-0', { weight: 1e9 }, 400, 'bad_request'],
  ['PATCH', '/nodes/meili-0', { zone: '' }, 400, 'bad_request'],
  ['PATCH', '/nodes/meili-0', { zone: 7 }, 400, 'bad_request'],
  ['PATCH', '/nodes/meili-0', { weight: 2, colour: 'red' }, 400, 'bad_request'],
  ['PATCH', '/nodes/nobody', { weight: 2 }, 404, 'miroir_not_found'],
  ['POST', '/nodes/nobody/replace', node, 404, 'miroir_not_found'],
  ['POST', '/nodes/meili-0/replace', { id: 'x' }, 400, 'bad_request'],
  ['POST', '/nodes/meili-0/replace', { ...node, url: 'ftp://x' }, 400, 'bad_request'],
  ['POST', '/nodes/meili-0/replace', { ...node, id: 'meili-1' }, 409, 'miroir_operation_refused'],
  ['POST', '/groups', { group: 1 }, 400, 'bad_request'],
  ['POST', '/groups', { group: 1, nodes: [] }, 409, 'miroir_operation_refused'],
  ['POST', '/groups', { group: 1, nodes: [7] }, 400, 'bad_request'],
  ['POST', '/groups', { group: 0, nodes: [node] }, 409, 'miroir_operation_refused'],
  ['POST', '/groups', { group: 1, nodes: [node, node] }, 409, 'miroir_operation_refused'],
  ['DELETE', '/groups/0', {}, 409, 'miroir_operation_refused'],
  ['DELETE', '/groups/7', {}, 404, 'miroir_not_found'],
  ['DELETE', '/groups/x', {}, 404, 'miroir_not_found'],
  ['POST', '/indexes/films/reshard', {}, 400, 'bad_request'],
  ['POST', '/indexes/films/reshard', { shards: 12 }, 400, 'bad_request'],
  ['POST', '/indexes/films/reshard', { shards: 512 }, 400, 'bad_request'],
  ['POST', '/indexes/films/reshard', { shards: -1 }, 400, 'bad_request'],
  ['POST', '/indexes/films/reshard', { shards: 16 }, 409, 'miroir_operation_refused'],
  ['POST', '/indexes/nothing/reshard', { shards: 32 }, 404, 'index_not_found'],
  ['POST', '/indexes/films/replication', { replicationFactor: 0 }, 400, 'bad_request'],
  ['POST', '/replication', { replicationFactor: 1_000 }, 400, 'bad_request'],
  ['POST', '/indexes/films/repair', { shard: 16 }, 400, 'bad_request'],
  ['POST', '/indexes/films/repair', { node: 'nobody' }, 404, 'miroir_not_found'],
  ['POST', '/rebalance', { group: 9 }, 409, 'miroir_operation_refused'],
  ['POST', '/rebalance', { dryRun: 'yes' }, 400, 'bad_request'],
  ['POST', '/operations/nothing/reverse', {}, 404, 'miroir_not_found'],
])('%s %s with %j is refused', async (method, path, body, status, code) => {
  const before = started.length;
  const answer = await send(method, path, body);
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
  expect(started.length).toBe(before);
});

test.each([
  ['PATCH', '/nodes/meili-0', { weight: 2 }, 'setNode', 'set-node/meili-0'],
  ['POST', '/nodes/meili-0/replace', node, 'replaceNode', 'replace-node/meili-0'],
  ['POST', '/groups', { nodes: [node] }, 'addGroup', 'add-group/1'],
  ['POST', '/replication', { replicationFactor: 2 }, 'setReplication', /^replication\/films-/],
  ['POST', '/indexes/films/reshard', { shards: 64 }, 'reshardIndex', /^reshard\/films-/],
  ['POST', '/indexes/films/repair', { shard: 3 }, 'repairReplica', /^repair-index\/films-.*\/3$/],
  ['POST', '/rebalance', {}, 'rebalance', 'rebalance/all'],
  ['POST', '/rebalance', { dryRun: true }, 'planOperation', 'plan/rebalance/all'],
  ['POST', '/nodes/meili-1/drain', { dryRun: true }, 'planOperation', 'plan/drain-node/meili-1'],
])('%s %s with %j starts %s', async (method, path, body, type, id) => {
  const answer = await send(method, path, { ...body, why: 'test' });
  expect(answer.status).toBe(202);
  const run = started.at(-1);
  expect(run?.workflowType).toBe(type);
  expect(run?.workflowId).toMatch(id);
  expect(answer.body['operation']).toBe(run?.workflowId);
});

test('a zone of null is a wish, and what is not named stays', async () => {
  await send('PATCH', '/nodes/meili-0', { zone: null });
  expect(started.at(-1)?.args[0]).toMatchObject({ change: { zone: null, weight: 1 } });
  await send('POST', '/nodes/meili-0/replace', { ...node, weight: 3 });
  expect(started.at(-1)?.args[0]).toMatchObject({
    change: { old: 'meili-0', node: { ...node, group: 0, weight: 3 }, lost: false },
  });
});

test('a full queue refuses the next operation at once', async () => {
  const view = jest.spyOn(pod.ctx.store.governor, 'view');
  const waiting = Array.from({ length: 32 }, (_, at) => ({ operation: String(at), groups: [] }));
  view.mockResolvedValueOnce({ holders: [], queue: waiting });
  const answer = await send('POST', '/rebalance', {});
  expect(answer.status).toBe(503);
  expect(answer.body['code']).toBe('miroir_operations_queue_full');
});

test('what is over is reversed by its opposite, where it has one', async () => {
  const job: JobView = {
    ...{ id: 'set-node/over', kind: 'set-node', status: 'succeeded', phase: 'done' },
    plan: { undo: { kind: 'set-node', node: 'meili-0', weight: 1, zone: null } },
    progress: { done: 0, total: 0, documentsCopied: 0 },
    ...{ startedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' },
    finishedAt: '2026-01-01T00:00:00Z',
    temporal: { workflowId: 'set-node/over', runId: 'r' },
    ...{ who: 'test', why: '' },
  };
  await pod.ctx.store.jobs.put(job);
  const path = `/operations/${encodeURIComponent(job.id)}/reverse`;
  expect((await send('POST', path, {})).status).toBe(202);
  expect(started.at(-1)).toMatchObject({
    workflowId: 'set-node/meili-0',
    args: [{ change: { weight: 1 } }],
  });
  await pod.ctx.store.jobs.put({ ...job, plan: { undo: null } });
  expect((await send('POST', path, {})).body['message']).toMatch(/is over, and it has no opposite/);
  await pod.ctx.store.jobs.put({ ...job, status: 'failed' });
  expect((await send('POST', path, {})).body['message']).toMatch(/it is failed, so there is/);
});

test('a drained node is active again by the reverse of its drain', async () => {
  const job: JobView = {
    ...{ id: 'drain-node/meili-1', kind: 'drain-node', status: 'succeeded', phase: 'done' },
    ...{ nodes: ['meili-1'], progress: { done: 0, total: 0, documentsCopied: 0 } },
    ...{ startedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' },
    finishedAt: '2026-01-01T00:00:00Z',
    temporal: { workflowId: 'drain-node/meili-1', runId: 'r' },
    ...{ who: 'test', why: '' },
  };
  await pod.ctx.store.jobs.put(job);
  const path = `/operations/${encodeURIComponent(job.id)}/reverse`;
  expect((await send('POST', path, {})).body['message']).toMatch(/`meili-1` is active again/);
  const present = pod.ctx.fleet.current().nodes.find(({ id }) => id === 'meili-1');
  if (present === undefined) throw new Error('The fleet has no meili-1.');
  const set = async (intent: 'draining' | 'active'): Promise<void> => {
    const origin = { who: 'test', why: '', what: intent };
    await pod.ctx.store.fleet.update(origin, () => [
      { op: 'set-node', node: { ...present, intent } },
    ]);
    const intentNow = () =>
      pod.ctx.fleet.current().nodes.find(({ id }) => id === 'meili-1')?.intent;
    await waitFor(() => intentNow() === intent, { what: `meili-1 to be ${intent}` });
  };
  await set('draining');
  expect((await send('POST', path, {})).status).toBe(202);
  const { url, group, zone, weight } = present;
  expect(started.at(-1)).toMatchObject({
    workflowId: 'add-node/meili-1',
    args: [{ node: { id: 'meili-1', url, group, zone, weight } }],
  });
  await set('active');
  await pod.ctx.store.jobs.put({ ...job, nodes: ['meili-9'] });
  expect((await send('POST', path, {})).body['message']).toMatch(/`meili-9` has left the fleet/);
});

test('groups and the queue can be read', async () => {
  expect((await send('GET', '/groups')).body).toMatchObject({
    results: [{ group: 0, nodes: ['meili-0', 'meili-1', 'meili-2'], indexes: ['films'] }],
  });
  expect((await send('GET', '/operations/queue')).body).toEqual({ holders: [], queue: [] });
  expect((await send('GET', '/indexes/films/reshard/status')).body).toEqual({
    ...{ index: 'films', shards: 16, operation: null },
  });
});
