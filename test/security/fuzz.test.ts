/**
 * Goal: no body that is nearly JSON, and no framing of one, hurts a pod: each is answered, in
 * Meilisearch's error shape where it is refused, and numbers survive byte for byte.
 * Method: good bodies of every writing and reading route, damaged at random (MIROIR_FUZZ_SEED repeats a
 * run) and sent over raw sockets, whole or in random chunks; odd values and framings one by one.
 */
import { gzipSync } from 'node:zlib';
import { fleetForTest } from '../api/support';
import type { FleetForTest, PodForTest } from '../api/support';
import { Random } from '../compat/random';
import { rawHttp } from './raw-http';
import type { RawAnswer } from './raw-http';

const seed = Number(process.env['MIROIR_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const rounds = 250;

let fleet: FleetForTest;
let pod: PodForTest;
let url: string;

beforeAll(async () => {
  fleet = await fleetForTest();
  pod = await fleet.pod();
  url = await pod.listen();
  await pod.write('POST', '/indexes/kept/documents?primaryKey=id', [{ id: 1, title: 'kept' }]);
}, 60_000);
afterAll(async () => {
  await fleet.close();
});

async function send(
  path: string,
  body: string,
  framing: readonly string[] = [`Content-Length: ${String(Buffer.byteLength(body, 'latin1'))}`],
): Promise<RawAnswer> {
  return await rawHttp(
    url,
    [
      `POST ${path} HTTP/1.1`,
      'Host: a',
      `Authorization: Bearer ${fleet.masterKey}`,
      'Content-Type: application/json',
      ...framing,
    ],
    body,
  );
}

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** What a refusal must be: one error object with the four members; an empty body only for 404 and 405. */
function shapeOf({ status, body }: RawAnswer): unknown {
  if (status < 400) return 'ok';
  const text = /\{.*\}/s.exec(body)?.[0] ?? '{}';
  return Object.keys(JSON.parse(text) as object);
}

const refusal = ['message', 'code', 'type', 'link'];

test(`damaged bodies are answered (MIROIR_FUZZ_SEED=${String(seed)})`, async () => {
  const random = new Random(seed);
  for (let round = 0; round < rounds; round += 1) {
    const [path, good] = random.pick(bodies);
    const body = damaged(good, random);
    const cut = random.int(body.length + 1);
    const framed = random.int(3) === 0;
    const answer = framed
      ? await send(
          path,
          [body.slice(0, cut), body.slice(cut)]
            .filter((part) => part !== '')
            .map(chunk)
            .join('') + '0\r\n\r\n',
          ['Transfer-Encoding: chunked'],
        )
      : await send(path, body);
    const shown = [round, path, body, answer.status];
    expect([...shown, answer.status >= 200 && answer.status < 500]).toEqual([...shown, true]);
    expect([...shown, shapeOf(answer)]).toEqual([...shown, answer.status < 400 ? 'ok' : refusal]);
  }
  expect((await pod.send('GET', '/indexes/kept/documents/1')).body['title']).toBe('kept');
}, 60_000);

const bodies: readonly (readonly [string, string])[] = [
  [
    '/indexes/fuzz/documents?primaryKey=id',
    '[{"id":1,"t":"a\\u00e9","n":[1.5e3,-0,null,{"x":{}}]}]',
  ],
  ['/indexes/kept/search', '{"q":"kept","limit":3,"filter":["id = 1",["id = 2"]],"facets":["*"]}'],
  ['/indexes/kept/documents/fetch', '{"limit":2,"fields":["id"],"filter":"id = 1"}'],
  ['/indexes/kept/facet-search', '{"facetName":"title","facetQuery":"k"}'],
  ['/multi-search', '{"queries":[{"indexUid":"kept","q":"a"}],"federation":{"limit":2}}'],
  ['/indexes/fuzz/documents/delete-batch', '[1,"a",2]'],
  ['/swap-indexes', '[{"indexes":["a","b"]}]'],
  ['/keys', '{"actions":["search"],"indexes":["kept"],"expiresAt":null}'],
];

const splinters = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\0',
  '\\ud800',
  '1e999',
  '-',
  'tru',
  'null',
  '\x80',
  '\n',
  '"id":',
];

function damaged(good: string, random: Random): string {
  let body = good;
  for (let times = 1 + random.int(3); times > 0; times -= 1) {
    const at = random.int(body.length + 1);
    const length = random.int(4);
    const splinter = random.chance(0.25) ? '' : random.pick(splinters);
    body = body.slice(0, at) + splinter + body.slice(at + length);
  }
  return body;
}

test.each([
  '9007199254740993',
  '18446744073709551615',
  '-9223372036854775808',
  '1152921504606846977',
])('the integer %s survives byte for byte', async (number) => {
  const answer = await send('/indexes/numbers/documents?primaryKey=id', `[{"id":7,"n":${number}}]`);
  await pod.task(
    (JSON.parse(/\{.*\}/s.exec(answer.body)?.[0] ?? '{}') as { taskUid: number }).taskUid,
  );
  const read = await pod.send('GET', '/indexes/numbers/documents/7');
  expect(read.text).toContain(`"n":${number}`);
});

test('a lone surrogate fails the whole task, on all shards', async () => {
  const documents = `[{"id":1},{"id":2},{"id":3,"t":"\\ud800"},{"id":4}]`;
  const task = await pod.write('POST', '/indexes/surrogates/documents?primaryKey=id', documents);
  expect(task['status']).toBe('failed');
  expect((await pod.send('GET', '/indexes/surrogates/documents')).body['total']).toBe(0);
});

test.each<[string, string, readonly string[], number]>([
  [
    'NDJSON that is cut in the middle of a line',
    '{"id":1}\n{"id":2,"a',
    ['Content-Type: application/x-ndjson'],
    400,
  ],
  [
    'gzip that is cut',
    gzipSync('[{"id":1}]').subarray(0, 12).toString('latin1'),
    ['Content-Encoding: gzip'],
    400,
  ],
  ['gzip that is none', '[{"id":1}]', ['Content-Encoding: gzip'], 400],
  ['an encoding that nobody knows', '[{"id":1}]', ['Content-Encoding: zstd'], 202],
])('%s', async (_, body, headers, status) => {
  const answer = await rawHttp(
    url,
    [
      'POST /indexes/framed/documents?primaryKey=id HTTP/1.1',
      'Host: a',
      `Authorization: Bearer ${fleet.masterKey}`,
      ...(headers.some((header) => header.startsWith('Content-Type'))
        ? []
        : ['Content-Type: application/json']),
      ...headers,
      `Content-Length: ${String(Buffer.byteLength(body, 'latin1'))}`,
    ],
    body,
  );
  expect([answer.status, shapeOf(answer)]).toEqual([status, status < 400 ? 'ok' : refusal]);
});

test.each([
  ['a chunk size that is no number', 'zz\r\n{}\r\n0\r\n\r\n', ['Transfer-Encoding: chunked']],
  ['a negative length', '{}', ['Content-Length: -2']],
  ['two lengths', '{}', ['Content-Length: 2', 'Content-Length: 3']],
  ['a length in hexadecimal', '{}', ['Content-Length: 0x2']],
])('%s is refused by the server', async (_, body, framing) => {
  expect((await send('/indexes/kept/search', body, framing)).status).toBe(400);
});

test.each([
  ['many alternatives', Array.from({ length: 1_000 }, (_, i) => `a = ${String(i)}`).join(' OR ')],
  ['an open quote after many escapes', `a = "${'\\"'.repeat(50_000)}`],
  ['many blanks', `a =${' '.repeat(200_000)}1`],
  ['many open brackets of a list', `a IN ${'['.repeat(50_000)}`],
  ['many words', 'x '.repeat(50_000)],
  ['many dots', `${'a.'.repeat(50_000)}b = 1`],
  ['points without an end', `_geoRadius(${'1,'.repeat(5_000)}`],
])('a filter of %s is answered in short time', async (_, filter) => {
  const begun = performance.now();
  const answer = await pod.send('POST', '/indexes/kept/search', { filter });
  expect([answer.status, answer.body['code']]).toEqual([400, 'invalid_search_filter']);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test.each(['TRACE', 'CONNECT', 'PROPFIND', 'HEAD', 'get', 'G\tET'])(
  'the method %s opens nothing',
  async (method) => {
    const key = `Authorization: Bearer ${fleet.masterKey}`;
    const answer = await rawHttp(url, [`${method} /indexes HTTP/1.1`, 'Host: a', key]);
    expect(answer.status === 0 || answer.status >= 400).toBe(true);
    expect(answer.body).not.toContain('kept');
  },
);
