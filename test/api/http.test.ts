/**
 * Goal: HTTP as Meilisearch speaks it where frameworks differ from it: methods, paths, content types,
 * encodings, limits, errors.
 * Method: requests without a socket where that shows all; a pod with a socket for what needs one.
 */
import { brotliDecompressSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { chooseCoding } from '../../api/http/compression';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;
let url: string;

beforeAll(async () => {
  fleet = await fleetForTest({
    nodes: 1,
    replicationFactor: 1,
    env: { MIROIR_BODY_LIMIT_BYTES: '2048' },
  });
  pod = await fleet.pod();
  url = await pod.listen();
  await pod.write('POST', '/indexes/books/documents?primaryKey=id', [{ id: 1 }]);
});
afterAll(async () => {
  await fleet.close();
});

const auth = (): Record<string, string> => ({ authorization: `Bearer ${fleet.masterKey}` });

test('a known path with another method is 405 without a body, and names what it allows', async () => {
  for (const [method, path, allow] of [
    ['PUT', '/indexes', 'GET, POST'],
    ['DELETE', '/health', 'GET'],
    ['HEAD', '/health', 'GET'],
    ['POST', '/tasks', 'DELETE, GET'],
  ]) {
    const answer = await fetch(`${url}${path ?? ''}`, { method: method ?? '', headers: auth() });
    expect([path, answer.status, await answer.text(), answer.headers.get('allow')]).toEqual([
      path,
      405,
      '',
      allow,
    ]);
  }
});

test('an unknown path is 404 without a body', async () => {
  for (const path of ['/nope', '/Indexes', '/indexes%2Fbooks', '/indexes/books/nope']) {
    const answer = await fetch(`${url}${path}`, { headers: auth() });
    expect([path, answer.status, await answer.text()]).toEqual([path, 404, '']);
  }
});

test('trailing and double slashes are nothing', async () => {
  for (const path of [
    '/indexes/books/',
    '//indexes/books',
    '/indexes//books',
    '/indexes/%62ooks',
  ]) {
    const answer = await pod.send('GET', path);
    expect([path, answer.body['uid']]).toEqual([path, 'books']);
  }
});

test('uids of 400 bytes and ids of 511 bytes pass, and not one more', async () => {
  const uid = 'u'.repeat(400);
  await pod.write('POST', `/indexes/${uid}/documents?primaryKey=id`, [{ id: 'i'.repeat(511) }]);
  const found = await pod.send('GET', `/indexes/${uid}/documents/${'i'.repeat(511)}`);
  expect(found.status).toBe(200);
  const tooLong = await pod.send('GET', `/indexes/${uid}u`);
  expect(tooLong.body['code']).toBe('invalid_index_uid');
});

test('a body may have a member named __proto__', async () => {
  const task = await pod.write(
    'POST',
    '/indexes/books/documents',
    '[{"id":2,"__proto__":{"x":1}}]',
  );
  expect(task['status']).toBe('succeeded');
  const answer = await pod.send('GET', '/indexes/books/documents/2');
  expect(answer.text).toBe('{"id":2,"__proto__":{"x":1}}');
});

test('compressed bodies are unpacked, broken ones refused, unknown encodings taken as they are', async () => {
  const post = async (body: Buffer, encoding: string): Promise<number> =>
    (
      await pod.send('POST', '/indexes/zip/documents?primaryKey=id', body, {
        'content-encoding': encoding,
        'content-type': 'application/json',
      })
    ).status;
  expect(await post(gzipSync('[{"id":1}]'), 'gzip')).toBe(202);
  expect(await post(deflateSync('[{"id":2}]'), 'deflate')).toBe(202);
  expect(await post(Buffer.from('[{"id":3}]'), 'zstd')).toBe(202);
  expect(await post(gzipSync('[{"id":4}]').subarray(0, 20), 'gzip')).toBe(400);
});

test('the limit counts what comes out of the decoder, and the pod goes on', async () => {
  const bomb = gzipSync(Buffer.alloc(10_000_000, 0x20));
  expect(bomb.length).toBeLessThan(20_000);
  for (const [body, encoding] of [
    [Buffer.alloc(4096, 0x20), 'identity'],
    [bomb, 'gzip'],
  ] as const) {
    const answer = await fetch(`${url}/indexes/zip/documents`, {
      method: 'POST',
      headers: { ...auth(), 'content-type': 'application/json', 'content-encoding': encoding },
      body,
    });
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({
      code: 'payload_too_large',
      message:
        'The provided payload reached the size limit. The maximum accepted payload size is 2 KiB.',
    });
  }
  expect((await fetch(`${url}/health`)).status).toBe(200);
});

test('answers are compressed as the client asks', async () => {
  const ask = async (accept: string): Promise<[string | undefined, Buffer]> => {
    const answer = await pod.app.inject({
      url: '/indexes/books',
      headers: { ...auth(), 'accept-encoding': accept },
    });
    return [answer.headers['content-encoding'] as string | undefined, answer.rawPayload];
  };
  const unpack = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync } as const;
  for (const coding of ['gzip', 'deflate', 'br'] as const) {
    const [named, bytes] = await ask(coding);
    expect(named).toBe(coding);
    expect(JSON.parse(unpack[coding](bytes).toString())).toMatchObject({ uid: 'books' });
  }
  const refused = await pod.app.inject({
    url: '/indexes/books',
    headers: { ...auth(), 'accept-encoding': 'identity;q=0, zstd' },
  });
  expect([refused.statusCode, refused.payload]).toEqual([406, 'br, gzip, deflate']);
});

test.each([
  ['gzip', 'gzip'],
  ['gzip, br', 'br'],
  ['gzip;q=1, br;q=0.5', 'gzip'],
  ['*', 'identity'],
  ['*, identity;q=0', 'br'],
  ['identity', 'identity'],
  ['zstd', 'identity'],
  ['br;q=0', 'identity'],
  ['identity;q=0', null],
  ['*;q=0', null],
])('of %s it takes %s', (header, coding) => {
  expect(chooseCoding(header)).toBe(coding);
});

test('any origin may ask, before and with the request', async () => {
  const preflight = await pod.app.inject({
    method: 'OPTIONS',
    url: '/indexes',
    headers: {
      origin: 'http://a.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    },
  });
  expect(preflight.statusCode).toBe(200);
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'authorization',
    'access-control-max-age': '86400',
  });
  const simple = await pod.app.inject({ url: '/health', headers: { origin: 'http://a.example' } });
  expect(simple.headers['access-control-allow-origin']).toBe('*');
  expect(simple.headers['access-control-allow-methods']).toBeUndefined();
});

test('who may not ask is told so before the body is looked at', async () => {
  const answer = await pod.app.inject({
    method: 'POST',
    url: '/indexes/books/documents',
    headers: { 'content-type': 'nonsense' },
    payload: 'x',
  });
  expect(answer.statusCode).toBe(401);
});

test('a filter of 60 KB in the line of a GET is read', async () => {
  const filter = encodeURIComponent(`id = ${'1'.repeat(60_000)}`);
  const answer = await fetch(`${url}/indexes/books/search?filter=${filter}`, { headers: auth() });
  expect([200, 400]).toContain(answer.status);
});

test('an error that nobody foresaw is a plain 500 that tells nothing', async () => {
  const original = pod.ctx.store.tasks.get;
  pod.ctx.store.tasks.get = () => Promise.reject(new Error('redis://secret@host'));
  try {
    const answer = await pod.send('GET', '/tasks/1');
    expect(answer.status).toBe(500);
    expect(answer.body['code']).toBe('internal');
    expect(answer.text).not.toContain('secret');
  } finally {
    pod.ctx.store.tasks.get = original;
  }
});
