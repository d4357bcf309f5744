/**
 * Goal: a configuration is complete and checked, or refused with every problem and its reason.
 * Method: load from environments and files made here.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/config';
import { loadConfig } from '../../config/load';
import { redactConfig } from '../../config/redact';

const keys = { MIROIR_ADMIN_KEY: 'admin-key-of-sixteen', MIROIR_NODE_KEY: 'node-key-of-sixteen' };
const folder = mkdtempSync(join(tmpdir(), 'miroir-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function yaml(text: string): string {
  const path = join(folder, `${String(Math.abs(hash(text)))}.yaml`);
  writeFileSync(path, text);
  return path;
}

function hash(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);
}

function problems(env: Record<string, string>, file?: string): readonly string[] {
  try {
    loadConfig({ env: { ...keys, ...env }, ...(file === undefined ? {} : { file }) });
  } catch (error) {
    return (error as { problems: readonly string[] }).problems;
  }
  return [];
}

function load(env: Record<string, string> = {}, file?: string): Config {
  return loadConfig({ env: { ...keys, ...env }, ...(file === undefined ? {} : { file }) });
}

test('two keys are all that must be given', () => {
  const config = load();
  expect(config.api).toMatchObject({ host: '127.0.0.1', port: 7700, masterKey: null });
  expect(config.fleet).toEqual({ shards: 64, replicationFactor: 1, groups: 1 });
  expect(config.nodes.bootstrap).toEqual([]);
});

test('missing keys are named with the way to get them', () => {
  expect(() => loadConfig({ env: {} })).toThrow(/MIROIR_ADMIN_KEY\) is missing: make one with/);
  expect(() => loadConfig({ env: {} })).toThrow(/MIROIR_NODE_KEY\) is missing/);
});

test('the environment wins over the file, the file over the default', () => {
  const file = yaml('api: {port: 1111}\nfleet: {shards: 8}\nsync: {documentsPerSecond: null}\n');
  const config = load({ MIROIR_API_PORT: '2222' }, file);
  expect(config.api.port).toBe(2222);
  expect(config.fleet.shards).toBe(8);
  expect(config.sync.documentsPerSecond).toBeNull();
});

test('MIROIR_CONFIG names the file', () => {
  expect(load({ MIROIR_CONFIG: yaml('fleet: {shards: 16}\n') }).fleet.shards).toBe(16);
});

test('a misspelt setting or section in the file is refused', () => {
  const found = problems({}, yaml('api: {prot: 1}\nfeet: {shards: 8}\n'));
  expect(found.join('\n')).toMatch(/api\.prot is not a setting/);
  expect(found.join('\n')).toMatch(/feet is not a group of settings/);
});

test('a file that is no YAML is refused with its name', () => {
  const file = yaml('api: {port: [\n');
  expect(problems({}, file)[0]).toContain(file);
});

test('all problems are told at once', () => {
  const found = problems({
    MIROIR_API_PORT: 'x',
    MIROIR_OUTBOUND_ALLOW_LOOPBACK: 'maybe',
    MIROIR_RF: '0',
  });
  expect(found).toHaveLength(3);
});

test('MIROIR_NODES spreads urls over the groups round robin', () => {
  const urls = 'http://a:7700, http://b:7700/,http://c:7700,http://d:7700';
  const { nodes } = load({ MIROIR_NODES: urls, MIROIR_GROUPS: '2' });
  expect(nodes.bootstrap.map(({ id, url, group }) => [id, url, group])).toEqual([
    ['meili-0', 'http://a:7700', 0],
    ['meili-1', 'http://b:7700', 1],
    ['meili-2', 'http://c:7700', 0],
    ['meili-3', 'http://d:7700', 1],
  ]);
});

test('bootstrap nodes come as JSON with defaults for zone and weight', () => {
  const list = [
    { id: 'x', url: 'http://a:1', group: 0, zone: 'z1', weight: 2 },
    { id: 'y', url: 'http://b:1' },
  ];
  const { nodes } = load({ MIROIR_NODES_BOOTSTRAP: JSON.stringify(list) });
  expect(nodes.bootstrap).toEqual([
    { id: 'x', url: 'http://a:1', group: 0, zone: 'z1', weight: 2 },
    { id: 'y', url: 'http://b:1', group: 0, zone: null, weight: 1 },
  ]);
});

test.each([
  ['not json', /expected JSON/],
  ['{"id":"x"}', /expected a list/],
  ['[{"id":"a b","url":"http://a"}]', /node 0: id must be/],
  ['[{"id":"a","url":"ftp://a"}]', /http:\/\/ or https:\/\//],
  ['[{"id":"a","url":"http://k:s@a"}]', /no user/],
  ['[{"id":"a","url":"http://a","weight":0}]', /weight must be above 0/],
  ['[{"id":"a","url":"http://a","group":1.5}]', /group must be an integer/],
  ['[{"id":"a","url":"http://a"},{"id":"a","url":"http://b"}]', /has the id a twice/],
  ['[{"id":"a","url":"http://a"},{"id":"b","url":"http://a"}]', /has the url http:\/\/a twice/],
  ['[{"id":"a","url":"http://a","group":3}]', /groups count from 0/],
])('bootstrap nodes %s are refused', (list, message) => {
  expect(problems({ MIROIR_NODES_BOOTSTRAP: list }).join('\n')).toMatch(message);
});

test.each<[Record<string, string>, RegExp]>([
  [{ MIROIR_SHARDS: '6' }, /power of two: a shard is a contiguous part/],
  [{ MIROIR_POD_HEARTBEAT_MS: '5000' }, /two lost heartbeats must not end a lease/],
  [{ MIROIR_NODE_DEADLINE_MS: '20000', MIROIR_REQUEST_DEADLINE_MS: '15000' }, /could land behind/],
  [
    {
      MIROIR_FENCE_MAX_MS: '5000',
      MIROIR_REQUEST_DEADLINE_MS: '5000',
      MIROIR_NODE_DEADLINE_MS: '1000',
    },
    /still have time/,
  ],
  [{ MIROIR_WRITER_HOLD_MS: '600', MIROIR_WRITER_LEASE_MS: '500' }, /longer than its lease/],
  [{ MIROIR_MIN_IN_SYNC: '2' }, /no write could ever stand/],
  [{ MIROIR_RF: '2', MIROIR_NODES: 'http://a' }, /each group needs as many nodes as copies/],
  [
    { MIROIR_NODES: 'http://a', MIROIR_NODES_BOOTSTRAP: '[{"id":"a","url":"http://a"}]' },
    /both set/,
  ],
  [{ MIROIR_API_HOST: '0.0.0.0' }, /could read and delete everything/],
  [
    { MIROIR_API_HOST: '0.0.0.0', MIROIR_MASTER_KEY: 'm', MIROIR_ADMIN_KEY: 'short' },
    /fewer than 16 bytes/,
  ],
])('rule: %j is refused with the reason', (env, reason) => {
  const found = problems(env);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(reason);
});

test('no secret shows in the redacted configuration or in an error', () => {
  const env = {
    MIROIR_ADMIN_KEY: 'SECRET-admin-key-1234',
    MIROIR_NODE_KEY: 'SECRET-node-key-1234',
    MIROIR_MASTER_KEY: 'SECRET-master',
    REDIS_URL: 'redis://user:SECRET@cache:6379/2',
  };
  const text = JSON.stringify(redactConfig(load(env)));
  expect(text).not.toContain('SECRET');
  expect(text).toContain('redis://***@cache:6379/2');
  expect(
    problems({ ...env, REDIS_URL: 'http://user:SECRET@cache', MIROIR_SHARDS: '3' }).join(),
  ).not.toContain('SECRET');
});
