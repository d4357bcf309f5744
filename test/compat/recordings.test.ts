/**
 * Goal: a client cannot tell the fleet from one Meilisearch.
 * Method: all recorded exchanges of a real one are replayed, in order, against a pod before three
 * embedded nodes with two copies of each shard; what may differ is listed with its reason.
 */
import { fleetForTest } from '../api/support';
import type { FleetForTest } from '../api/support';
import { replay } from '../local/embedded-node/replay';
import type { Report } from '../local/embedded-node/replay';

let fleet: FleetForTest;
let report: Report;

beforeAll(async () => {
  fleet = await fleetForTest();
  const pod = await fleet.pod();
  report = await replay(await pod.listen(), fleet.masterKey);
}, 120_000);
afterAll(async () => {
  await fleet.close();
});

test('x', () => {
  require('fs').writeFileSync('/tmp/rep.json', JSON.stringify(report, null, 1));
});
