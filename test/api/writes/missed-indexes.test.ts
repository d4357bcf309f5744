/**
 * Goal: a node that was away when an index was made does not spoil the reads of it: other copies answer
 * until the node has the index, and it gets it without a write.
 * Method: two of three embedded nodes take the first document of an index, whose shard the third has no
 * copy of; then the third one is back.
 */
import type { IndexEntry } from '../../../core/fleet';
import { physicalUid, shardId } from '../../../core/ids';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';
import { waitFor } from '../../support/wait-for';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;

beforeEach(async () => {
  fleet = await fleetForTest({ env: { MIROIR_NODE_DEADLINE_MS: '700' } });
  pod = await fleet.pod();
});
afterEach(() => fleet.close());

const entryOf = (uid: string): IndexEntry | undefined => pod.ctx.fleet.index(uid)?.entry;

const has = (node: number, uid: string): Promise<boolean> =>
  fleet.askNode(node, `/indexes/${entryOf(uid)?.physicalUid ?? ''}`).then(
    (answer) => answer['uid'] !== undefined,
    () => false,
  );

/** A name whose first document went past the node that is away, so that no copy there is stale. */
async function madeWithout(node: string): Promise<string> {
  for (let at = 0; at < 40; at += 1) {
    const uid = `missed-${String(at)}`;
    await pod.write('POST', `/indexes/${uid}/documents?primaryKey=id`, [{ id: at }]);
    const rows = entryOf(uid)?.placement.flatMap(({ shards }) => shards) ?? [];
    const states = rows.flatMap((row) => row.filter((one) => one.node === node));
    if (states.length > 0 && states.every(({ state }) => state === 'in-sync')) return uid;
  }
  throw new Error('Every first document concerned the node.');
}

test('a node that missed the creation gets the index although stale copies have documents', async () => {
  await fleet.nodes[2]?.close();
  const uid = await madeWithout('meili-2');
  const physical = entryOf(uid)?.physicalUid ?? physicalUid('none');
  await pod.write(
    'POST',
    `/indexes/${uid}/documents`,
    Array.from({ length: 40 }, (_, id) => ({ id })),
  );
  // As after writes that nobody was told of: those who may have them are not read any more.
  const audit = { who: 'test', why: 'unsure', what: 'mark stale' };
  await pod.ctx.store.fleet.update(audit, ({ indexes }) => {
    const { placement } = indexes.find((one) => one.physicalUid === physical)!;
    return placement.flatMap(({ group, shards }) =>
      shards.flatMap((row, shard) => {
        const replicas = row.map(({ node }) => ({
          ...{ node, state: node === 'meili-2' ? ('in-sync' as const) : ('stale' as const) },
        }));
        if (!row.some(({ node }) => node === 'meili-2')) return [];
        return [
          {
            ...{ op: 'set-replicas' as const, physicalUid: physical, group },
            ...{ shard: shardId(shard), replicas },
          },
        ];
      }),
    );
  });
  await fleet.startNode(2);
  await waitFor(() => has(2, uid), { what: 'the index on the node', deadlineMs: 20_000 });
});

test('reads go past a node that missed the creation, and it is given the index', async () => {
  await fleet.nodes[2]?.close();
  const uid = await madeWithout('meili-2');
  await fleet.startNode(2);
  await waitFor(async () => (await pod.ctx.identities.trusted('meili-2' as never)) === true, {
    what: 'the node to be back',
  });
  expect(await has(2, uid)).toBe(false);
  for (let at = 0; at < 20; at += 1) {
    // Each query has its home at another copy.
    const found = await pod.send('POST', `/indexes/${uid}/search`, {
      filter: null,
      q: '',
      limit: at + 1,
      sort: [],
      facets: [],
      attributesToRetrieve: ['id', `x${String(at)}`],
    });
    expect(found).toMatchObject({ status: 200, body: { estimatedTotalHits: 1 } });
  }
  await waitFor(() => has(2, uid), { what: 'the index on the node' });
  const settings = await fleet.askNode(2, `/indexes/${entryOf(uid)?.physicalUid ?? ''}/settings`);
  expect(JSON.stringify(settings['filterableAttributes'])).toContain('_miroir_bucket');
});
