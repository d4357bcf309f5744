/**
 * Goal: `POST /export` refuses with the engine's words what the engine refuses, and calls no url that
 * nobody allowed; what it takes makes a task that shows no key.
 * Method: a pod before two embedded nodes; the texts were taken from a real Meilisearch 1.50.
 */
import type { JsonValue } from '../../core/fleet';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 2 });
  pod = await fleet.pod();
});
afterAll(async () => {
  await fleet.close();
});

const url = 'http://a.example';
const pattern = (key: string): string =>
  `Invalid value at \`.indexes\`: the key ${JSON.stringify(key)} could not be deserialized into the key type \`meilisearch_types::index_uid_pattern::IndexUidPattern\``;

test.each<[JsonValue, string, string]>([
  [
    { url: null },
    'invalid_export_url',
    'Invalid value type at `.url`: expected a string, but found null',
  ],
  [
    { url: 5 },
    'invalid_export_url',
    'Invalid value type at `.url`: expected a string, but found a positive integer: `5`',
  ],
  [
    { url, apiKey: 5 },
    'invalid_export_api_key',
    'Invalid value type at `.apiKey`: expected a string, but found a positive integer: `5`',
  ],
  [
    { url, payloadSize: 'x' },
    'invalid_export_payload_size',
    "Invalid value at `.payloadSize`: the character 'x' is not a number",
  ],
  [
    { url, payloadSize: -1 },
    'invalid_export_payload_size',
    'Invalid value type at `.payloadSize`: expected a positive integer or a string, but found a negative integer: `-1`',
  ],
  [
    { url, payloadSize: 1.5 },
    'invalid_export_payload_size',
    'Invalid value type at `.payloadSize`: expected a positive integer or a string, but found a number: `1.5`',
  ],
  [
    { url, indexes: [] },
    'bad_request',
    'Invalid value type at `.indexes`: expected an object, but found an array: `[]`',
  ],
  [{ url, indexes: { 'a b': {} } }, 'bad_request', pattern('a b')],
  [{ url, indexes: { '': {} } }, 'bad_request', pattern('')],
  [
    { url, indexes: { a: null } },
    'bad_request',
    'Invalid value type at `.indexes.a`: expected an object, but found null',
  ],
  [
    { url, indexes: { a: { filtr: 1 } } },
    'bad_request',
    'Unknown field `filtr` inside `.indexes.a`: did you mean `filter`? expected one of `filter`, `overrideSettings`',
  ],
  [
    { url, indexes: { a: { overrideSettings: null } } },
    'invalid_export_index_override_settings',
    'Invalid value type at `.indexes.a.overrideSettings`: expected a boolean, but found null',
  ],
  [
    { url, nope: 1 },
    'bad_request',
    'Unknown field `nope`: expected one of `url`, `apiKey`, `payloadSize`, `indexes`',
  ],
])('%j is refused as by one Meilisearch', async (body, code, message) => {
  const answer = await pod.send('POST', '/export', body);
  expect([answer.status, answer.body['code'], answer.body['message']]).toEqual([
    400,
    code,
    message,
  ]);
});

test.each([
  ['', /it is not a url/],
  ['nope', /it is not a url/],
  ['ftp://a.example', /only http and https/],
  ['http://me:secret@a.example', /may carry no user/],
  ['http://169.254.169.254/latest', /link-local/],
  ['http://10.0.0.1?key=secret', /give the key as `apiKey`/],
])('the url %p is not called', async (given, reason) => {
  const answer = await pod.send('POST', '/export', { url: given });
  expect([answer.status, answer.body['code']]).toEqual([400, 'invalid_export_url']);
  expect(answer.body['message']).toMatch(reason);
});

test('an alias of several indexes is refused; without Temporal nothing is taken', async () => {
  for (const name of ['one', 'two']) await pod.write('POST', '/indexes', { uid: name });
  const admin = { 'x-admin-key': fleet.config.api.adminKey };
  const aliased = { targets: ['one', 'two'] };
  const made = await pod.send('PUT', '/_miroir/aliases/both', aliased, admin);
  expect(made.status).toBeLessThan(300);
  const asked = { url: 'http://10.0.0.1', indexes: { both: {} } };
  const refused = await pod.send('POST', '/export', asked);
  expect([refused.status, refused.body['code']]).toEqual([400, 'miroir_not_supported']);
  const away = await pod.send('POST', '/export', { url: 'http://10.0.0.1', apiKey: 'a-secret' });
  expect([away.status, away.body['code']]).toEqual([503, 'miroir_control_plane_unavailable']);
  const { text } = await pod.send('GET', '/tasks?types=export');
  expect(JSON.parse(text)).toMatchObject({ total: 0 });
});

test('a key of some indexes may not hold the action, and a key without it is refused', async () => {
  const narrow = { actions: ['export'], indexes: ['one'], expiresAt: null };
  const refused = await pod.send('POST', '/keys', narrow);
  expect(refused.body['code']).toBe('index_scoped_api_key_with_global_action');
  const made = await pod.send('POST', '/keys', { ...narrow, actions: ['search'] });
  const headers = { authorization: `Bearer ${String(made.body['key'])}` };
  const answer = await pod.send('POST', '/export', { url: 5 }, headers);
  expect([answer.status, answer.body['code']]).toEqual([403, 'invalid_api_key']);
});
