/**
 * Goal: a settings change reaches every node or is undone, an answer says by which settings it was made,
 * nodes that have not got there are avoided or named, and a client can ask for a version at least.
 *
 * Method: a fleet of embedded nodes, one of which stands still or fails on demand; every state is looked
 * at through the api.
 */
import { fleetForTest } from '../support';
import type { FleetForTest, Json, PodForTest } from '../support';
import { waitFor } from '../../support/wait-for';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;

const films = Array.from({ length: 60 }, (_, id) => ({ id, title: `film ${id}`, year: 1950 + id }));

async function start(replicationFactor: number): Promise<void> {
  fleet = await fleetForTest({
    nodes: 3,
    replicationFactor,
    env: { MIROIR_SETTINGS_WAIT_MS: '400' },
  });
  pod = await fleet.pod();
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', films);
}

afterEach(() => fleet.close());

const search = (body: object, headers = {}): Promise<Json> =>
  pod.send('POST', '/indexes/films/search', body, headers);
const admin = (): Record<string, string> => ({
  authorization: `Bearer ${fleet.config.api.adminKey}`,
});
const inconsistent = (answer: Json): unknown => answer.headers['x-miroir-settings-inconsistent'];
const version = (answer: Json): unknown => answer.headers['x-miroir-settings-version'];
const change = (settings: object): Promise<Json> =>
  pod.send('PATCH', '/indexes/films/settings', settings);

/** Node 1 takes tasks and does not work on them. */
const hold = (): number => fleet.nodes[1]?.faults.add({ action: { kind: 'holdTasks' } }) ?? 0;
const release = (): void => fleet.nodes[1]?.faults.clear();

test('a node that has not got a change yet is avoided where another can serve', async () => {
  await start(2);
  hold();
  const { body } = await change({ filterableAttributes: ['year'] });
  const answer = await waitFor(
    async () => {
      const one = await search({ filter: 'year < 1960', limit: 100 });
      return one.status === 200 && inconsistent(one) === undefined ? one : null;
    },
    { what: 'a search that avoids the node' },
  );
  expect(version(answer)).toBe('2');
  expect(answer.body['estimatedTotalHits']).toBe(10);
  release();
  expect(await pod.task(body['taskUid'])).toMatchObject({ status: 'succeeded' });
});

test('where no other can serve it is named, and the version is the lower one', async () => {
  await start(1);
  hold();
  await change({ synonyms: { movie: ['film'] } });
  const named = await waitFor(
    async () => {
      const one = await search({ q: 'film' });
      return inconsistent(one) === 'meili-1' ? one : null;
    },
    { what: 'a search that names the node' },
  );
  expect(version(named)).toBe('1');
  release();
  const whole = await waitFor(
    async () => {
      const one = await search({ q: 'film' });
      return inconsistent(one) === undefined ? one : null;
    },
    { what: 'all nodes to have the change' },
  );
  expect(version(whole)).toBe('2');
});

test('a version that cannot be served is 503, and is served when the nodes are there', async () => {
  await start(1);
  hold();
  await change({ synonyms: { movie: ['film'] } });
  const early = await search({ q: 'movie' }, { 'x-miroir-min-settings-version': '2' });
  expect(early.status).toBe(503);
  expect(early.body).toMatchObject({ code: 'miroir_settings_version_stale' });
  release();
  const late = await waitFor(
    async () => {
      const one = await search({ q: 'movie' }, { 'x-miroir-min-settings-version': '2' });
      return one.status === 200 ? one : null;
    },
    { what: 'the version to be served' },
  );
  expect(late.body['estimatedTotalHits']).toBe(60);
  const never = await search({ q: 'movie' }, { 'x-miroir-min-settings-version': '99' });
  expect(never.body).toMatchObject({ code: 'miroir_settings_version_stale' });
  const wrong = await search({ q: 'movie' }, { 'x-miroir-min-settings-version': 'two' });
  expect([wrong.status, wrong.body['code']]).toEqual([400, 'bad_request']);
});

test('documents and similar ones are read by the version that is asked for, too', async () => {
  await start(1);
  const vectors = films.map((film) => ({ ...film, _vectors: { mine: [1, film.id] } }));
  await pod.write('POST', '/indexes/films/documents', vectors);
  const embedders = { mine: { source: 'userProvided', dimensions: 2 } };
  const made = await pod.task((await change({ embedders })).body['taskUid']);
  expect(made).toMatchObject({ status: 'succeeded' });
  hold();
  await change({ filterableAttributes: ['year'], sortableAttributes: ['year'] });
  const path = '/indexes/films';
  const reads: readonly (readonly [string, string, object?])[] = [
    ['GET', `${path}/documents?limit=100`],
    ['POST', `${path}/documents/fetch`, { filter: 'year < 1960', limit: 100 }],
    ['POST', `${path}/documents/fetch`, { sort: ['year:asc'], limit: 100 }],
    ...films.slice(0, 6).map(({ id }) => ['GET', `${path}/documents/${id}`] as const),
    ['POST', `${path}/similar`, { id: 1, embedder: 'mine', filter: 'year < 1960' }],
    ['GET', `${path}/similar?id=1&embedder=mine`],
  ];
  const read = async (min: string): Promise<Json[]> => {
    const answers: Json[] = [];
    const headers = { 'x-miroir-min-settings-version': min };
    for (const [method, url, body] of reads) {
      answers.push(await pod.send(method, url, body as never, headers));
    }
    return answers;
  };
  const early = await read('3');
  expect(early.map(({ status }) => status)).toEqual(reads.map(() => 503));
  expect(new Set(early.map(({ body }) => body['code']))).toEqual(
    new Set(['miroir_settings_version_stale']),
  );
  const wrong = await read('two');
  expect(new Set(wrong.map(({ body }) => body['code']))).toEqual(new Set(['bad_request']));
  // What an answer was made by is the lowest version among its nodes.
  const old = await pod.send('GET', `${path}/similar?id=1&embedder=mine`);
  expect([version(old), inconsistent(old)]).toEqual(['2', 'meili-1']);
  release();
  await waitFor(async () => (await read('3')).every(({ status }) => status === 200), {
    what: 'the version to be served',
  });
  expect((await read('3')).map(version)).toEqual(reads.map(() => '3'));
});

test('a client that asks for the version it made reads its own change at once', async () => {
  await start(2);
  await change({ synonyms: { movie: ['film'] } });
  const answer = await search({ q: 'movie' }, { 'x-miroir-min-settings-version': '2' });
  expect(answer.status).toBe(200);
  expect(answer.body['estimatedTotalHits']).toBe(60);
});

test('a version of what only Miroir applies is served at once', async () => {
  await start(1);
  await change({ displayedAttributes: ['id'] });
  const answer = await search({ q: 'film' }, { 'x-miroir-min-settings-version': '2' });
  expect(answer.status).toBe(200);
  expect(answer.body['hits']).toContainEqual({ id: 0 });
});

test('a change that fails on one node is undone, and the nodes that took it are known', async () => {
  await start(1);
  // A document without vectors fails an embedder; only one of the nodes has one.
  await pod.write('POST', '/indexes/one/documents?primaryKey=id', [{ id: 1, title: 'alone' }]);
  const { body } = await pod.send('PATCH', '/indexes/one/settings', {
    embedders: { mine: { source: 'userProvided', dimensions: 3 } },
  });
  expect(await pod.task(body['taskUid'])).toMatchObject({ status: 'failed' });
  const settings = await pod.send('GET', '/indexes/one/settings');
  expect(settings.body['embedders']).toEqual({});
  const nodes = async (): Promise<{ node: string; settingsVersion: number }[]> => {
    const path = '/_miroir/indexes/one/settings';
    const answer = await pod.send('GET', path, undefined, admin());
    return answer.body['nodes'] as unknown as { node: string; settingsVersion: number }[];
  };
  // The node that refused has the settings of before, which are the wanted ones again: version 3.
  await waitFor(
    async () => (await nodes()).filter((one) => one.settingsVersion === 3).length === 1,
    {
      what: 'the nodes to be told apart',
    },
  );
  const answer = await pod.send('POST', '/indexes/one/search', { q: 'alone' });
  expect(answer.body['estimatedTotalHits']).toBe(1);
  expect(inconsistent(answer)).toBeDefined();
});

test('the plan of a change says what costs the nodes a pass and what costs nothing', async () => {
  await start(2);
  const plan = (settings: object): Promise<Json> =>
    pod.send('POST', '/_miroir/indexes/films/settings/plan', settings, admin());
  const free = await plan({ displayedAttributes: ['id'] });
  expect(free.body).toMatchObject({
    changes: [{ setting: 'displayedAttributes', cost: 'free' }],
    nodes: [],
    documents: 0,
    minutes: 0,
  });
  const dear = await plan({ filterableAttributes: ['year'], displayedAttributes: ['id'] });
  expect(dear.body).toMatchObject({
    changes: [
      { setting: 'displayedAttributes', cost: 'free' },
      { setting: 'filterableAttributes', cost: 'reindex' },
    ],
    documents: 120,
  });
  expect(dear.body['nodes']).toHaveLength(3);
  const wrong = await plan({ rankingRules: 'no' });
  expect(wrong.body).toMatchObject({ code: 'invalid_settings_ranking_rules' });
  const { body } = await pod.send('GET', '/indexes/films/settings');
  expect(body['filterableAttributes']).toEqual([]);
});
