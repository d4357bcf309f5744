/**
 * Goal: a task of the fleet is not ended by a node's task that only has the number of its own. A node whose
 * disk was rolled back gives its numbers once more; the older task took the word of the newer one's, or
 * stayed open for ever.
 * Method: one node; an open task is given the number that a write got on the node. The
 * model of the fleet found it (seed 600984, 70 steps, 7 acts).
 */
import { fleetTaskUid } from '../../../core/ids';
import type { FleetTask } from '../../../store/task-types';
import { waitFor } from '../../support/wait-for';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;
beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 1, replicationFactor: 1 });
  pod = await fleet.pod();
});
afterAll(() => fleet.close());

async function written(id: number): Promise<FleetTask> {
  const { body } = await pod.send('POST', '/indexes/films/documents?primaryKey=id', [{ id }]);
  const uid = fleetTaskUid(Number(body['taskUid']));
  return await waitFor(
    async () => {
      const task = await pod.ctx.store.tasks.get(uid);
      return task?.status === 'succeeded' ? task : null;
    },
    { what: `the write of ${String(id)}` },
  );
}

test('a number that now means another write says nothing of the one that had it before', async () => {
  const later = await written(1);
  const nodeTasks = later.nodeTasks.map(({ node, uid }) => ({
    ...{ node, uid, result: { role: 'main' } },
  }));
  const uid = fleetTaskUid(later.uid + 100);
  const open = { status: 'processing' as const, finishedAt: null, nodeTasks };
  expect(await pod.ctx.store.tasks.save({ ...later, ...open, uid })).toBe(true);
  const ended = await waitFor(
    async () => {
      const task = await pod.ctx.store.tasks.get(uid);
      return task?.finishedAt === null ? null : task;
    },
    { what: 'the other write to end' },
  );
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'miroir_interrupted' } });
  expect((await pod.ctx.store.tasks.get(later.uid))?.status).toBe('succeeded');
});
