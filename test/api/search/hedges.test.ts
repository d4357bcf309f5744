/**
 * Goal: a node that is slow for once does not make a search slow, a fleet whose every node is slow gets a
 * bounded share of extra requests, and no document is counted twice.
 * Method: the budget and the delay by themselves; then searches on a fleet of three embedded nodes with two
 * copies, of which one answers late or fails late.
 */
import { Hedges } from '../../../api/search/hedges';
import type { HedgeOutcome } from '../../../api/search/hedges';
import { nodeId } from '../../../core/ids';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';

const config = { hedge: true, hedgePercent: 5, hedgeMinMs: 10 };

describe('when', () => {
  const a = nodeId('a');
  const hedgesWith = (
    changes: Partial<typeof config> = {},
  ): { hedges: Hedges; seen: HedgeOutcome[] } => {
    const seen: HedgeOutcome[] = [];
    return { seen, hedges: new Hedges({ ...config, ...changes }, (outcome) => seen.push(outcome)) };
  };

  test('never of a node that little is known of, and after its 95th percentile else', () => {
    const { hedges } = hedgesWith();
    for (let ms = 1; ms < 20; ms += 1) hedges.answered(a, ms * 10);
    expect(hedges.delayOf(a)).toBeNull();
    for (let ms = 20; ms <= 100; ms += 1) hedges.answered(a, ms * 10);
    expect(hedges.delayOf(a)).toBe(960);
    expect(hedges.delayOf(nodeId('b'))).toBeNull();
    for (let i = 0; i < 200; i += 1) hedges.answered(a, 1);
    expect(hedges.delayOf(a)).toBe(10);
  });

  test('never when it is switched off', () => {
    const { hedges } = hedgesWith({ hedge: false });
    for (let i = 0; i < 50; i += 1) hedges.answered(a, 5);
    expect(hedges.delayOf(a)).toBeNull();
  });

  test.each([1, 5, 20])('of 10,000 parts about %d in a hundred', (hedgePercent) => {
    const { hedges, seen } = hedgesWith({ hedgePercent });
    let spent = 0;
    for (let i = 0; i < 10_000; i += 1) {
      hedges.earn();
      if (hedges.spend()) spent += 1;
    }
    expect(spent).toBeGreaterThanOrEqual(hedgePercent * 100 - 1);
    expect(spent).toBeLessThanOrEqual(hedgePercent * 100 + 11);
    expect(seen).toHaveLength(10_000 - spent);
  });
});

describe('a search', () => {
  let fleet: FleetForTest;
  let pod: PodForTest;
  const words = ['amber', 'cobalt', 'maroon'];
  const documents = Array.from({ length: 60 }, (_, id) => ({ id, t: words[id % 3] }));

  beforeAll(async () => {
    fleet = await fleetForTest({ env: { MIROIR_HEDGE_PERCENT: '100' } });
    pod = await fleet.pod();
    await pod.write('POST', '/indexes/books/documents?primaryKey=id', documents);
    for (let i = 0; i < 25; i += 1)
      await pod.send('POST', '/indexes/books/search', { q: 'cobalt' });
  }, 60_000);
  afterAll(async () => {
    await fleet.close();
  });
  afterEach(() => {
    for (const node of fleet.nodes) node.faults.clear();
  });

  const outcomes = async (): Promise<Record<string, number>> => {
    const { values } = (await pod.ctx.metrics.registry
      .getSingleMetric('miroir_hedges_total')
      ?.get()) ?? { values: [] };
    return Object.fromEntries(values.map(({ labels, value }) => [labels['outcome'], value]));
  };
  const ids = async (): Promise<{ sorted: number[]; total: unknown; ms: number }> => {
    const begun = performance.now();
    const answer = await pod.send('POST', '/indexes/books/search', { q: 'cobalt', limit: 100 });
    expect([answer.status, answer.headers['x-miroir-degraded']]).toEqual([200, undefined]);
    const hits = answer.body['hits'] as { id: number }[];
    const sorted = hits.map(({ id }) => id).sort((a, b) => a - b);
    return { sorted, total: answer.body['estimatedTotalHits'], ms: performance.now() - begun };
  };
  const wanted = documents.filter(({ t }) => t === 'cobalt').map(({ id }) => id);

  test.each([0, 1, 2])('is answered by the others while node %d is slow', async (slow) => {
    const before = (await outcomes())['won'] ?? 0;
    fleet.nodes[slow]?.faults.add({ path: '/search', action: { kind: 'delay', ms: 3_000 } });
    const { sorted, total, ms } = await ids();
    expect(sorted).toEqual(wanted);
    expect(total).toBe(wanted.length);
    expect(ms).toBeLessThan(2_500);
    expect((await outcomes())['won'] ?? 0).toBeGreaterThanOrEqual(before);
  });

  test('counts what won, and goes on where all are slow', async () => {
    expect((await outcomes())['won'] ?? 0).toBeGreaterThan(0);
    for (const node of fleet.nodes) {
      node.faults.add({ path: '/search', action: { kind: 'delay', ms: 300 } });
    }
    const { sorted, total } = await ids();
    expect(sorted).toEqual(wanted);
    expect(total).toBe(wanted.length);
  });

  test('is answered while two nodes take a request and never answer it', async () => {
    for (const node of fleet.nodes.slice(0, 2)) {
      node.faults.add({ path: '/search', count: 1, action: { kind: 'hang' } });
    }
    const { sorted } = await ids();
    expect(sorted).toEqual(wanted);
  });

  test('tells in its plan after what time the others are asked', async () => {
    const answer = await pod.send('POST', '/indexes/books/explain', { q: 'cobalt' });
    const [plan] = answer.body['indexes'] as { nodes: { hedgeAfterMs: number | null }[] }[];
    expect(plan?.nodes.length).toBeGreaterThan(0);
    for (const node of plan?.nodes ?? []) expect(Number(node.hedgeAfterMs)).toBeGreaterThan(0);
  });

  test('tells in its plan what can differ from one Meilisearch, and why', async () => {
    const answer = await pod.send('POST', '/indexes/books/explain', { q: 'cobalt' });
    const [plan] = answer.body['indexes'] as { approximate: { reason: string; why: string }[] }[];
    const named = plan?.approximate.map(({ reason }) => reason);
    expect(named).toEqual(['split-words', 'typo-caps', 'prefix-caps']);
  });
});
