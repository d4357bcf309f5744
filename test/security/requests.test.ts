/**
 * Goal: no odd request reaches another route than it names, hurts the pod, or leaves secrets in its log.
 * Method: bytes on a socket, hostile bodies and node addresses against a pod whose log is kept.
 */
import { gzipSync } from 'node:zlib';
import type { Log } from '../../api/log';
import { startRuntime } from '../../api/runtime';
import type { Runtime } from '../../api/runtime';
import { fleetForTest } from '../api/support';
import type { FleetForTest, PodForTest } from '../api/support';
import { rawHttp } from './raw-http';

const logged: string[] = [];
let fleet: FleetForTest;
let pod: PodForTest;
let url: string;
let logging: Runtime;

beforeAll(async () => {
  fleet = await fleetForTest({ env: { MIROIR_BODY_LIMIT_BYTES: '4194304' } });
  pod = await fleet.pod();
  url = await pod.listen();
  const keep = (fields: object, text: string): void => {
    logged.push(
      `${text} ${JSON.stringify(fields)} ${String((fields as { err?: Error }).err?.stack)}`,
    );
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
  logging = await startRuntime({ config: fleet.config, log, temporal: false });
  await pod.write('POST', '/indexes/books/documents?primaryKey=id', [{ id: 1, title: 'one' }]);
}, 60_000);
afterAll(async () => {
  await logging.close();
  await fleet.close();
});

const auth = (): string => `Authorization: Bearer ${fleet.masterKey}`;

test.each([
  'GET /health/../indexes HTTP/1.1',
  'GET /health/%2e%2e/indexes HTTP/1.1',
  'GET /health/..%2findexes HTTP/1.1',
  'GET /health;/../indexes HTTP/1.1',
  'GET /health/..;/keys HTTP/1.1',
  'GET //keys HTTP/1.1',
  'GET /KEYS HTTP/1.1',
  'GET /indexes/%2e%2e/keys HTTP/1.1',
  'GET /indexes/..%2fkeys/search HTTP/1.1',
  'GET /indexes/books%2fdocuments HTTP/1.1',
  'GET /indexes;x/books HTTP/1.1',
  'GET /%6beys HTTP/1.1',
  'GET http://other.example/keys HTTP/1.1',
  'GET /keys%00 HTTP/1.1',
  'GET /keys# HTTP/1.1',
  'HEAD /keys HTTP/1.1',
  'TRACE /keys HTTP/1.1',
  'OPTIONS /keys HTTP/1.1',
  'PROPFIND /keys HTTP/1.1',
])('without a key %s tells nothing', async (line) => {
  const answer = await rawHttp(url, [line, 'Host: health', 'X-Original-URL: /health']);
  expect(answer.status).toBeGreaterThanOrEqual(200);
  expect(answer.body).not.toMatch(/"results"|"actions"|"books"/);
  expect(answer.head).not.toContain(fleet.masterKey);
});

test('a uid is what was written between the slashes, decoded once', async () => {
  for (const [uid, status] of [
    ['books', 200],
    ['%62ooks', 200],
    ['%2562ooks', 400],
    ['books;x', 400],
    ['books%2f', 400],
    ['..%2fbooks', 400],
    ['books%00', 400],
    ['Books', 404],
  ] as const) {
    const answer = await rawHttp(url, [`GET /indexes/${uid} HTTP/1.1`, 'Host: a', auth()]);
    expect([uid, answer.status]).toEqual([uid, status]);
  }
});

test('a method of another kind changes nothing', async () => {
  for (const method of ['HEAD', 'TRACE', 'PROPFIND', 'PUT']) {
    const line = `${method} /indexes/books HTTP/1.1`;
    const answer = await rawHttp(url, [line, 'Host: a', 'X-HTTP-Method-Override: DELETE', auth()]);
    expect([method, answer.status >= 400 && answer.status < 500]).toEqual([method, true]);
  }
  expect((await pod.send('GET', '/indexes/books/documents')).body['total']).toBe(1);
});

test('a request cannot be smuggled by two lengths', async () => {
  const inner = 'DELETE /indexes/books HTTP/1.1\r\nHost: a\r\n\r\n';
  const answer = await rawHttp(
    url,
    [
      'POST /indexes/books/search HTTP/1.1',
      'Host: a',
      auth(),
      'Content-Type: application/json',
      'Content-Length: 2',
      'Transfer-Encoding: chunked',
    ],
    `2\r\n{}\r\n0\r\n\r\n${inner}`,
  );
  expect(answer.status).toBe(400);
});

test.each([
  'http://169.254.169.254',
  'http://169.254.169.254:80/latest/meta-data/',
  'http://[::ffff:169.254.169.254]',
  'http://[::ffff:a9fe:a9fe]',
  'http://2852039166',
  'http://0xa9fea9fe',
  'http://0251.0376.0251.0376',
  'http://[fe80::1]',
  'http://[fd00:ec2::254]',
  'http://100.100.100.200',
  'http://0.0.0.0:7700',
  'http://[::]:7700',
  'http://user:pass@127.0.0.1:7700',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_FLUSHALL',
  'javascript:alert(1)',
  'http://',
])('a node at %s is refused', async (address) => {
  const answer = await pod.send(
    'POST',
    '/_miroir/nodes',
    { id: 'evil', url: address },
    { 'x-admin-key': fleet.config.api.adminKey },
  );
  expect([answer.status, answer.body['code']]).toEqual([400, 'bad_request']);
  expect(pod.ctx.fleet.current().nodes.some(({ id }) => String(id) === 'evil')).toBe(false);
});

test.each([
  ['10,000 levels of arrays', '['.repeat(10_000) + ']'.repeat(10_000)],
  ['10,000 levels of objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
  ['a deep document', `[{"id":1,"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}]`],
  ['an open end', '['.repeat(100_000)],
  ['a deep filter', JSON.stringify({ filter: `${'('.repeat(20_000)}a = 1${')'.repeat(20_000)}` })],
  ['a chain of NOT', JSON.stringify({ filter: `${'NOT '.repeat(20_000)}a = 1` })],
  ['a deep filter array', `{"filter":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
])('%s is refused in short time, and the pod goes on', async (_, body) => {
  for (const path of ['/indexes/books/search', '/indexes/books/documents/fetch', '/multi-search']) {
    const begun = performance.now();
    const answer = await pod.send('POST', path, body);
    expect([path, answer.status]).toEqual([path, 400]);
    expect(performance.now() - begun).toBeLessThan(5_000);
  }
  const written = await pod.send('POST', '/indexes/books/documents', body);
  expect(written.status).toBeLessThan(500);
  expect((await pod.send('GET', '/indexes/books/documents/1')).body['title']).toBe('one');
});

test('100,000 members and `__proto__` are members like others', async () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${String(i)}`, i]));
  const answer = await pod.send('POST', '/indexes/books/search', many);
  expect(answer.status).toBe(400);
  for (const body of [
    '{"__proto__":{"q":"x"}}',
    '{"constructor":{"prototype":{"limit":0}}}',
    '{"__proto__":{"isAdmin":true},"q":"one"}',
  ]) {
    const polluted = await pod.send('POST', '/indexes/books/search', body);
    expect([body, polluted.status]).toEqual([body, 400]);
  }
  expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  const settings = '{"synonyms":{"__proto__":["x"],"constructor":["y"]}}';
  expect((await pod.write('PATCH', '/indexes/books/settings', settings))['status']).toBe(
    'succeeded',
  );
  expect((await pod.send('GET', '/indexes/books/search')).status).toBe(200);
});

test('a gzip bomb is refused after the limit', async () => {
  const bomb = gzipSync(Buffer.alloc(200_000_000, 0x20));
  const before = process.memoryUsage().arrayBuffers;
  const headers = { 'content-encoding': 'gzip' };
  const answer = await pod.send('POST', '/indexes/books/documents', bomb, headers);
  expect([answer.status, answer.body['code']]).toEqual([413, 'payload_too_large']);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
});

test('a header beyond the limit is refused by the server', async () => {
  const answer = await rawHttp(url, [
    'GET /health HTTP/1.1',
    'Host: a',
    `X: ${'x'.repeat(200_000)}`,
  ]);
  expect(answer.status).toBe(431);
});

test('a body that is not sent holds nobody else up', async () => {
  const head = ['POST /indexes/books/documents HTTP/1.1', 'Host: a', auth()];
  const slow = rawHttp(
    url,
    [...head, 'Content-Type: application/json', 'Content-Length: 50'],
    '[{',
  );
  slow.catch(() => undefined);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  expect((await pod.send('POST', '/indexes/books/search', {})).status).toBe(200);
  expect((await pod.write('POST', '/indexes/books/documents', [{ id: 2 }]))['status']).toBe(
    'succeeded',
  );
  await expect(slow).rejects.toThrow('no answer');
}, 20_000);

test('neither keys nor bodies are in the log, whatever happens', async () => {
  const { app, ctx } = logging;
  const key = `Bearer ${fleet.masterKey}`;
  const ask = async (path: string, payload: string, authorization = key): Promise<number> => {
    const headers = { authorization, 'content-type': 'application/json' };
    return (await app.inject({ method: 'POST', url: path, headers, payload })).statusCode;
  };
  const original = ctx.store.tasks.get;
  ctx.store.tasks.get = () => Promise.reject(new Error('broken'));
  await app.inject({ url: '/tasks/1', headers: { authorization: key } });
  ctx.store.tasks.get = original;
  fleet.nodes[0]?.faults.add({ path: 'search', count: 3, action: { kind: 'error', status: 500 } });
  fleet.nodes[1]?.faults.add({
    path: 'search',
    count: 3,
    action: { kind: 'drop', when: 'before' },
  });
  await ask('/indexes/books/search', '{"q":"body-marker"}');
  await ask('/indexes/books/search', '{"q":"body-marker"', key);
  await ask('/indexes/books/documents', '[{"id":5,"a":"body-marker"}]');
  await ask('/indexes/books/search', '{}', 'Bearer key-marker');
  expect(logged.join('\n')).toContain('broken');
  const secrets = [
    fleet.masterKey,
    fleet.config.api.adminKey,
    fleet.config.nodes.key,
    'body-marker',
    'key-marker',
  ];
  for (const secret of secrets) expect(logged.join('\n')).not.toContain(secret);
});
