/**
 * Goal: a federated search of the fleet is answered as one Meilisearch answers it.
 * Method: the recorded exchanges of a real one are replayed, in order, against a pod before three
 * embedded nodes with two copies of each shard.
 */
import { replay } from '../../local/embedded-node/replay';
import type { Report } from '../../local/embedded-node/replay';
import { fleetForTest } from '../support';
import type { FleetForTest } from '../support';

const groups = ['multi-search', 'federation'];

let fleet: FleetForTest;
let report: Report;

beforeAll(async () => {
  fleet = await fleetForTest();
  const pod = await fleet.pod();
  report = await replay(await pod.listen(), fleet.masterKey, { groups });
}, 120_000);
afterAll(async () => {
  await fleet.close();
});

test.each(groups)('%s: every exchange is answered as recorded', (group) => {
  expect(report.differences.filter((difference) => difference.group === group)).toEqual([]);
  expect(report.groups[group]?.total).toBeGreaterThan(0);
});
