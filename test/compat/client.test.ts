/**
 * Goal: the client library that users have works unchanged. Method: a program that uses it as they do
 * (test/compat/client-script.mjs) runs against a pod before three nodes with two copies of each shard,
 * and tells what it saw. What is expected is what it saw of one real Meilisearch 1.50.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fleetForTest } from '../api/support';
import type { FleetForTest } from '../api/support';

let fleet: FleetForTest;
let seen: Record<string, unknown>;

beforeAll(async () => {
  fleet = await fleetForTest();
  const pod = await fleet.pod();
  const env = { ...process.env, MIROIR_URL: await pod.listen(), MIROIR_KEY: fleet.masterKey };
  const script = join(__dirname, 'client-script.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    env,
    timeout: 60_000,
  });
  seen = JSON.parse(stdout) as Record<string, unknown>;
}, 90_000);
afterAll(async () => {
  await fleet.close();
});

const expected: Readonly<Record<string, unknown>> = {
  created: 'succeeded',
  added: ['succeeded', 'documentAdditionOrUpdate', { receivedDocuments: 60, indexedDocuments: 60 }],
  updated: [2000, 'Loud river 3'],
  typo: [30, 2, '<em>Silent</em> <em>harbou</em>r 0'],
  page: [60, 3, 25, 35],
  facets: [
    { comedy: 10, drama: 10, thriller: 10 },
    { min: 1991, max: 2019 },
  ],
  facetHits: [{ value: 'thriller', count: 20 }],
  multi: [30, 30],
  federated: [5, 60],
  listed: [60, [{ id: 2 }, { id: 3 }, { id: 4 }]],
  tenant: [20, ['drama']],
  denied: ['MeilisearchApiError', 'invalid_api_key', 403],
  left: 51,
  swapped: [0, 51],
  tasks: ['succeeded', 'indexSwap'],
  missing: ['MeilisearchApiError', 'index_not_found', 404],
  wrong: ['failed', 'invalid_document_id'],
  health: 'available',
  version: '1.50.0',
  settings: [['genre', 'year'], ['year'], { maxTotalHits: 1000 }],
  subSettings: [{ sea: ['ocean'] }, []],
  key: ['films', 'of films', ['search'], ['films'], null],
  withoutKey: ['MeilisearchApiError', 'invalid_api_key', 403],
  walked: [51, 51],
  batch: [1, ['succeeded'], null],
  canceled: [
    'taskCancelation',
    'succeeded',
    { matchedTasks: 1, canceledTasks: 0, originalFilter: '?uids=0' },
  ],
  removed: [1, 1],
  removedTask: ['MeilisearchApiError', 'task_not_found', 404],
  renamed: ['indexUpdate', 'succeeded'],
  webhook: ['https://example.com/hook', true, 1],
  indexes: ['other'],
};

test.each(Object.keys(expected))('%s is what one Meilisearch gives', (what) => {
  expect(seen[what]).toEqual(expected[what]);
});
