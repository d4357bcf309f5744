/**
 * Goal: a client cannot tell the fleet from one Meilisearch by its answers and tasks.
 * Method: the recorded exchanges of a real one are replayed, in order, against a pod before three
 * embedded nodes with two copies of each shard.
 */
import { replay } from '../local/embedded-node/replay';
import type { Report } from '../local/embedded-node/replay';
import { fleetForTest } from './support';
import type { FleetForTest } from './support';

const groups = [
  'indexes',
  'documents.write',
  'documents.delete',
  'documents.read',
  'odd-documents',
  'settings',
  'swap',
  'tasks',
  'http',
];

/**
 * What differs for a reason, by group and request. Everything else must be equal.
 */
const reasons: Readonly<Record<string, string>> = {
  'odd-documents GET /indexes/odd/documents?ids=40,41':
    'members of a document come in the order in which its node first saw them, and nodes differ',
  'settings PATCH /indexes/books/settings/embedders':
    'the text counts documents without vectors, and one node has only some of them',
  'tasks GET /tasks?indexUids=books&limit=1':
    'the engine cuts the page before it drops swaps from it, so its page is empty and the last',
  'tasks GET /batches?limit=1': 'the recorded batch was caught while it ran',
  'tasks GET /batches/0': 'the recorded one was asked for before its deletion had run',
  'http GET /indexes/books': 'compressed: test/api/http.test.ts unpacks it',
  'http GET /indexes/books/settings': 'compressed: test/api/http.test.ts unpacks it',
};

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
  const differences = report.differences.filter(
    (difference) =>
      difference.group === group &&
      // What searches answer is held against the recordings where searches are tested.
      !difference.request.endsWith('/search') &&
      reasons[`${difference.group} ${difference.request}`] === undefined,
  );
  expect(differences).toEqual([]);
  expect(report.groups[group]?.total).toBeGreaterThan(0);
});
