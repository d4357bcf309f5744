/**
 * Goal: webhooks are kept for the whole fleet and are told of every finished task once, in the
 * engine's form.
 * Method: two pods before two embedded nodes, and a listener that keeps what it is told.
 */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { deliver } from '../../api/webhooks/deliver';
import type { JsonValue } from '../../core/fleet';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

interface Told {
  readonly headers: IncomingHttpHeaders;
  readonly tasks: Record<string, JsonValue>[];
}

let fleet: FleetForTest;
let pods: [PodForTest, PodForTest];
let server: Server;
let told: Told[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const lines = gunzipSync(Buffer.concat(chunks)).toString().trimEnd().split('\n');
      const tasks = lines.map((line) => JSON.parse(line) as Record<string, JsonValue>);
      told.push({ headers: request.headers, tasks });
      response.statusCode = 500;
      response.end('no matter');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fleet = await fleetForTest({ nodes: 2, env: { MIROIR_OUTBOUND_ALLOW_LOOPBACK: 'true' } });
  pods = [await fleet.pod(), await fleet.pod()];
});
afterAll(async () => {
  await fleet.close();
  await new Promise((resolve) => server.close(resolve));
});

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
const toldOf = (uid: JsonValue | undefined): Record<string, JsonValue>[] =>
  told.flatMap(({ tasks }) => tasks).filter((task) => task['uid'] === uid);

test('a webhook made on one pod is told what another pod and the follower end', async () => {
  const headers = { Authorization: 'Bearer 0123456789abcdef', 'X-Mine': 'yes' };
  const made = await pods[0].send('POST', '/webhooks', { url: url(), headers });
  expect(made.status).toBe(201);
  expect(made.body).toEqual({
    uuid: expect.any(String) as string,
    isEditable: true,
    url: url(),
    headers: { Authorization: 'Bearer 01XXXX...', 'X-Mine': 'yes' },
  });
  await waitFor(
    async () =>
      ((await pods[1].send('GET', '/webhooks')).body['results'] as JsonValue[]).length === 1,
    { what: 'the webhook on the other pod' },
  );
  const byNodes = await pods[1].write('POST', '/indexes/a/documents?primaryKey=id', [{ id: 1 }]);
  const atOnce = await pods[1].write('DELETE', '/indexes/none');
  await waitFor(() => toldOf(byNodes['uid']).length > 0 && toldOf(atOnce['uid']).length > 0, {
    what: 'the deliveries',
  });
  expect(toldOf(byNodes['uid'])).toEqual([byNodes]);
  expect(toldOf(atOnce['uid'])).toEqual([atOnce]);
  expect(told[0]?.headers).toMatchObject({
    'content-type': 'application/x-ndjson',
    'content-encoding': 'gzip',
    authorization: 'Bearer 0123456789abcdef',
    'x-mine': 'yes',
  });

  const path = `/webhooks/${String(made.body['uuid'])}`;
  const patched = await pods[0].send('PATCH', path, { headers: { 'X-Mine': null, b: 'c' } });
  expect(patched.body['headers']).toEqual({ Authorization: 'Bearer 01XXXX...', b: 'c' });
  expect((await pods[0].send('DELETE', path)).status).toBe(204);
  expect((await pods[0].send('GET', path)).body['code']).toBe('webhook_not_found');
  told = [];
  const after = await pods[0].write('DELETE', '/indexes/none');
  const later = await pods[0].write('DELETE', '/indexes/none');
  expect([...toldOf(after['uid']), ...toldOf(later['uid'])]).toEqual([]);
});

test.each<[string, JsonValue, string]>([
  ['no url', {}, 'invalid_webhook_url'],
  ['a null url', { url: null }, 'invalid_webhook_url'],
  ['a url that is none', { url: 'nope' }, 'invalid_webhook_url'],
  ['a url of another type', { url: 1 }, 'invalid_webhook_url'],
  [
    'a header name with a blank',
    { url: 'http://a.example', headers: { 'a b': 'c' } },
    'invalid_webhook_headers',
  ],
  [
    'a header value with a line break',
    { url: 'http://a.example', headers: { a: 'b\nc' } },
    'invalid_webhook_headers',
  ],
  ['a uuid of its own', { url: 'http://a.example', uuid: 'x' }, 'immutable_webhook_uuid'],
  ['an unknown member', { url: 'http://a.example', nope: 1 }, 'bad_request'],
])('a webhook with %s is refused', async (_what, body, code) => {
  const answer = await pods[0].send('POST', '/webhooks', body);
  expect([answer.status, answer.body['code']]).toEqual([400, code]);
});

test('there are twenty at most, and the one of a command line cannot be had', async () => {
  for (let n = 0; n < 20; n += 1) {
    const made = await pods[0].send('POST', '/webhooks', { url: 'http://192.0.2.1/' });
    expect(made.status).toBe(201);
  }
  const oneMore = await pods[0].send('POST', '/webhooks', { url: 'http://192.0.2.1/' });
  expect(oneMore.body['code']).toBe('invalid_webhooks');
  const nil = '/webhooks/00000000-0000-0000-0000-000000000000';
  expect((await pods[0].send('DELETE', nil)).body['code']).toBe('immutable_webhook');
  expect((await pods[0].send('GET', '/webhooks/nope')).body['code']).toBe('invalid_webhook_uuid');
});

test('a url that must not be called is not called', async () => {
  told = [];
  const webhook = { uuid: 'u', url: url(), headers: {} };
  const rules = { allowLoopback: false, allowPrivate: true };
  const { signal } = new AbortController();
  await expect(deliver(webhook, Buffer.from(''), { rules, signal })).rejects.toThrow(/not called/);
  expect(told).toEqual([]);
});
