/**
 * Goal: what a node says is not shown when it was found to be another one before it had said it.
 * Method: one of two copies of a document is changed behind Miroir's back; while that node takes its time
 * to answer, its disk is found to be an old one. The model of the fleet showed it (seed 920897).
 */
import type { NodeId } from '../../../core/ids';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';
import { waitFor } from '../../support/wait-for';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;
beforeAll(async () => {
  // No probe looks at the node meanwhile.
  fleet = await fleetForTest({
    env: { MIROIR_HEALTH_PROBE_MS: '60000', MIROIR_HEALTH_SLOW_START_MS: '0' },
  });
  pod = await fleet.pod();
  const documents = Array.from({ length: 30 }, (_, id) => ({ id, title: `film ${String(id)}` }));
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', documents);
});
afterAll(() => fleet.close());

const wrong = { id: 7, title: 'from another disk' };

/** Writes it to one node that has a copy, and returns that node's place. */
async function tamper(): Promise<number> {
  const physical = pod.ctx.fleet.index('films')?.entry.physicalUid ?? '';
  for (const at of fleet.nodes.keys()) {
    const path = `/indexes/${physical}/documents`;
    const held = await fleet.askNode(at, `${path}/7`);
    if (held['id'] !== 7) continue;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify([wrong]);
    const { taskUid } = await fleet.askNode(at, path, { method: 'PUT', body, headers });
    const ended = async (): Promise<boolean> =>
      (await fleet.askNode(at, `/tasks/${String(taskUid)}`))['status'] === 'succeeded';
    await waitFor(ended, { what: 'the wrong document' });
    return at;
  }
  throw new Error('No node has the document.');
}

test('an answer of a node that was found to be another meanwhile is asked of other copies', async () => {
  const at = await tamper();
  const node = `meili-${String(at)}` as NodeId;
  const { faults } = fleet.nodes[at]!;
  let late = 0;
  for (let query = 0; query < 60 && late < 3; query += 1) {
    pod.ctx.health.setTrust(node, 'known');
    faults.clear();
    faults.add({ path: '/search$', count: 1, action: { kind: 'delay', ms: 60 } });
    const state = { over: false };
    // Another highlight makes it another search, which may be asked of other replicas.
    const body = { limit: 100, highlightPreTag: `<${String(query)}>` };
    const answer = pod.send('POST', '/indexes/films/search', body);
    void answer.then(() => (state.over = true));
    await waitFor(() => state.over || faults.list().length === 0, { what: 'the search' });
    // Another replica was asked: nothing to see here.
    if (state.over) continue;
    late += 1;
    pod.ctx.health.setTrust(node, 'rolled-back');
    const { status, body: found } = await answer;
    expect(status).toBe(200);
    const titles = (found['hits'] as { title: string }[]).map(({ title }) => title);
    expect(titles).toHaveLength(30);
    expect(titles).not.toContain(wrong.title);
  }
  expect(late).toBeGreaterThan(0);
});
