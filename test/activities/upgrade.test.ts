/**
 * Goal: what a rolling upgrade asks of nodes and store: a plan that names what cannot be read, reads that
 * go elsewhere and come back, and an inspection that lets no wrong node through.
 * Method: activities against embedded nodes, a restart command that leaves a trace, identities written
 * and overwritten on the nodes' disks.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeId } from '../../core/ids';
import type { UpgradeInput } from '../../core/upgrade';
import { all, documentsOf, origin, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';
import { runOptions } from '../workflows/run-for-test';

const a = nodeId('meili-0');
const b = nodeId('meili-1');

let fleet: TestFleet;

beforeEach(async () => {
  fleet = await startFleet(2);
});
afterEach(() => fleet.close());

const input = (overrides: Partial<UpgradeInput> = {}): UpgradeInput => ({
  ...{ nodes: [a, b], version: null, restart: 'operator', acceptUnavailable: false },
  ...{ ...origin, options: runOptions },
  ...overrides,
});
const rest = (node: typeof a, resting: boolean, acceptUnavailable = false) =>
  fleet.run('restNode', { node, resting, acceptUnavailable, ...origin });
const inspect = (node: typeof a, version: string | null = null) =>
  fleet.run('inspectNode', { node, version, patient: false });
const copyEverywhere = async (): Promise<void> => {
  for (const shard of all) await fleet.setRow(shard, 'meili-0:in-sync meili-1:in-sync');
};
const restingNow = async (): Promise<string[]> =>
  (await fleet.store.fleet.load()).nodes.filter(({ resting }) => resting).map(({ id }) => id);

test('the plan names what only one node has, and refuses it unless that is accepted', async () => {
  const plan = await fleet.run('planUpgrade', input());
  expect(plan.nodes).toMatchObject([
    {
      node: 'meili-0',
      copies: 8,
      unavailable: ['products'],
      version: expect.any(String) as string,
    },
    { node: 'meili-1', copies: 0, unavailable: [] },
  ]);
  expect(plan.refused).toHaveLength(1);
  expect(plan.refused[0]).toContain('meili-0 has the only in-sync copy of shards of products');
  expect(await fleet.run('planUpgrade', input({ acceptUnavailable: true }))).toMatchObject({
    refused: [],
  });
  await copyEverywhere();
  expect((await fleet.run('planUpgrade', input())).refused).toEqual([]);
});

test('nodes that run the wanted version are left out; a command that is not configured is refused', async () => {
  const version = (await fleet.client(0).version()).pkgVersion;
  await copyEverywhere();
  expect((await fleet.run('planUpgrade', input({ version }))).nodes).toEqual([]);
  const plan = await fleet.run('planUpgrade', input({ restart: 'command' }));
  expect(plan.refused.join()).toContain('nodes.restartCommand');
  await expect(fleet.run('restartNode', { node: a, version: null })).rejects.toMatchObject({
    type: 'no-restart-command',
  });
});

test('a node rests and is read again, each once; the last holder of a shard may not rest', async () => {
  await expect(rest(a, true)).rejects.toMatchObject({ type: 'node-needed' });
  expect(await restingNow()).toEqual([]);
  await rest(a, true, true);
  expect(await restingNow()).toEqual(['meili-0']);
  const epoch = await fleet.store.fleet.epoch();
  expect(await rest(a, true, true)).toBe(epoch);
  await rest(a, false);
  expect(await restingNow()).toEqual([]);
  expect((await fleet.store.fleet.load()).nodes[0]).not.toHaveProperty('resting');
});

test('a node must be itself, of the wanted version, and have what it answers for', async () => {
  await fleet.run('adoptNode', {
    ...{ node: { ...nodeOf(0), group: 0 as never, zone: null, weight: 1 } },
    ...{ ...origin, options: runOptions },
  });
  expect(await inspect(a)).toMatchObject({ ok: true, reason: null, indexes: ['products'] });
  expect(await inspect(a, '9.9.9')).toMatchObject({
    ...{ ok: false, reason: expect.stringContaining('and not 9.9.9') as string },
  });
  const client = fleet.client(0);
  const forged = [{ id: 'node', node: 'meili-7', instance: 'another' }];
  const bytes = new TextEncoder().encode(JSON.stringify(forged));
  await client.waitForTask(await client.addDocuments('_miroir_node' as never, 'POST', bytes));
  expect(await inspect(a)).toMatchObject({
    ...{ ok: false, reason: expect.stringContaining('the disk of meili-7') as string },
  });
  await client.waitForTask(await client.deleteIndex('_miroir_node' as never));
  expect(await inspect(a)).toMatchObject({
    ...{ ok: false, reason: expect.stringContaining('an empty disk') as string },
  });
});

test('a node without the index that it answers for, and one that is away, are not well', async () => {
  await copyEverywhere();
  expect(await inspect(b)).toMatchObject({
    ...{ ok: false, reason: 'meili-1 came back without products' },
  });
  fleet.nodes[1]?.faults?.add({ action: { kind: 'drop', when: 'before' } });
  expect(await inspect(b)).toMatchObject({ ok: false, reason: 'meili-1 does not answer' });
});

test('stale copies are counted, and a version that is there already is seen at once', async () => {
  await fleet.write(documentsOf(0, 5));
  await fleet.setRow(1, 'meili-0:in-sync meili-1:stale');
  await fleet.setRow(2, 'meili-0:in-sync meili-1:stale');
  expect(await fleet.run('countStale', { node: b })).toBe(2);
  expect(await fleet.run('countStale', { node: a })).toBe(0);
  const version = (await fleet.client(0).version()).pkgVersion;
  await fleet.run('awaitVersion', { node: a, version });
});

const nodeOf = (at: number): { id: typeof a; url: string } => {
  const node = fleet.nodes[at];
  if (node === undefined) throw new Error('no such node');
  return { id: node.id, url: node.url };
};

describe('the restart command', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'miroir-restart-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const withCommand = async (command: string): Promise<void> => {
    await fleet.close();
    fleet = await startFleet(1, { overrides: { restartCommand: command } });
  };

  test('is told the node and none of the worker’s keys', async () => {
    const trace = join(directory, 'trace');
    await withCommand(`env > ${trace}`);
    process.env['MIROIR_ADMIN_KEY'] = 'a-secret-of-the-worker';
    try {
      await fleet.run('restartNode', { node: a, version: '1.50.1' });
    } finally {
      delete process.env['MIROIR_ADMIN_KEY'];
    }
    const seen = readFileSync(trace, 'utf8');
    expect(seen).toContain('MIROIR_NODE_ID=meili-0');
    expect(seen).toContain('MIROIR_NODE_VERSION=1.50.1');
    expect(seen).toContain(`MIROIR_NODE_URL=${fleet.nodes[0]?.url ?? ''}`);
    expect(seen).not.toContain('a-secret-of-the-worker');
  });

  test('that fails is tried again, and what it printed is told to nobody', async () => {
    await withCommand('echo a-secret-of-the-command >&2; exit 7');
    const failed = fleet.run('restartNode', { node: a, version: null });
    await expect(failed).rejects.toMatchObject({
      ...{ type: 'restart-failed', nonRetryable: false },
      message: 'The restart command for meili-0 ended with 7.',
    });
  });
});
