/**
 * Goal: what clients write is stored byte for byte, in one order, on every replica of its shard.
 * Method: a pod before three embedded nodes with two copies of each shard; the nodes are also asked
 * directly for what they hold.
 */
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';

let fleet: FleetForTest;
let pod: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest();
  pod = await fleet.pod();
});
afterAll(async () => {
  await fleet.close();
});

test('a new index is made by its first documents, with the inferred key', async () => {
  const task = await pod.write('POST', '/indexes/first/documents', [
    { id: 1, t: 'a' },
    { id: 2, t: 'b' },
  ]);
  expect(task).toMatchObject({
    status: 'succeeded',
    indexUid: 'first',
    type: 'documentAdditionOrUpdate',
    details: { receivedDocuments: 2, indexedDocuments: 2 },
    error: null,
  });
  const index = await pod.send('GET', '/indexes/first');
  expect(index.body).toMatchObject({ uid: 'first', primaryKey: 'id' });
});
