/**
 * Goal: equal searches that come together ask the nodes once, others never share, and none joins one that
 * began too long ago.
 * Method: the table of reads by itself with a clock of its own; then searches on a fleet whose nodes wait.
 */
import { SharedReads } from '../../../api/search/shared-reads';
import { fleetForTest } from '../support';

const held = (): { promise: Promise<string>; release: (value: string) => void } => {
  let release: (value: string) => void = () => undefined;
  const promise = new Promise<string>((resolve) => (release = resolve));
  return { promise, release };
};

test('equal reads within the window share one, and later ones or others do not', async () => {
  let now = 0;
  let joined = 0;
  const reads = new SharedReads<string>(
    5,
    () => (joined += 1),
    () => now,
  );
  const one = held();
  let begun = 0;
  const ask = async (key: string): Promise<string> =>
    await reads.run(
      () => key,
      async () => {
        begun += 1;
        return await one.promise;
      },
    );
  const first = [ask('a'), ask('a'), ask('b')];
  now = 6;
  first.push(ask('a'));
  one.release('done');
  expect(await Promise.all(first)).toEqual(['done', 'done', 'done', 'done']);
  expect([begun, joined]).toEqual([3, 1]);
});

test('an error is shared, and forgotten with its read', async () => {
  const reads = new SharedReads<string>(1_000, () => undefined);
  const broken = async (): Promise<string> => await Promise.reject(new Error('broken'));
  const both = [reads.run(() => 'a', broken), reads.run(() => 'a', broken)];
  for (const one of both) await expect(one).rejects.toThrow('broken');
  await expect(
    reads.run(
      () => 'a',
      async () => await Promise.resolve('well'),
    ),
  ).resolves.toBe('well');
});

test('equal searches ask each node once, but each has its own uid; a tenant shares with nobody else', async () => {
  const fleet = await fleetForTest({ env: { MIROIR_COALESCE_MS: '1000', MIROIR_HEDGE: 'false' } });
  try {
    const pod = await fleet.pod();
    await pod.write('POST', '/indexes/books/documents?primaryKey=id', [{ id: 1 }, { id: 2 }]);
    for (const node of fleet.nodes) {
      node.faults.add({ path: '/search', action: { kind: 'delay', ms: 200 } });
    }
    const search = async (body: object): Promise<Record<string, unknown>> =>
      (await pod.send('POST', '/indexes/books/search', body)).body;
    const [a, b, c] = await Promise.all([search({}), search({}), search({ limit: 1 })]);
    expect(a?.['hits']).toEqual([{ id: 1 }, { id: 2 }]);
    expect(b?.['hits']).toEqual([{ id: 1 }, { id: 2 }]);
    expect(c?.['hits']).toEqual([{ id: 1 }]);
    expect(a?.['requestUid']).not.toBe(b?.['requestUid']);
    const metric = pod.ctx.metrics.registry.getSingleMetric('miroir_coalesced_searches_total');
    expect((await metric?.get())?.values[0]?.value).toBe(1);
  } finally {
    await fleet.close();
  }
}, 60_000);
