/**
 * Goal: what cannot be a fleet is refused before anything is started, and a data directory keeps its keys.
 * Method: plan and open states without processes.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planFleet } from '../../local/fleet-options';
import { openState } from '../../local/fleet-state';

test('more copies than nodes in a group are refused with the reason', () => {
  expect(() => planFleet({ nodes: 3, groups: 2, replicationFactor: 2, env: {} })).toThrow(
    /two copies of a shard never share a node/,
  );
});

test('running nodes are counted elsewhere', () => {
  const env = { MIROIR_NODES: 'http://a,http://b,http://c,http://d' };
  expect(planFleet({ nodes: 1, groups: 2, replicationFactor: 2, env }).groups).toBe(2);
});

test('keys and ports survive in a data directory that only its owner can read', () => {
  const directory = mkdtempSync(join(tmpdir(), 'miroir-state-'));
  try {
    const plan = planFleet({ dataDirectory: directory, env: {} });
    const first = openState(plan);
    first.state.ports['redis'] = 1234;
    first.save();
    expect(openState(plan).state).toEqual(first.state);
    expect(statSync(join(directory, 'fleet.json')).mode & 0o077).toBe(0);
    const given = planFleet({ dataDirectory: directory, env: { MIROIR_MASTER_KEY: 'mine' } });
    expect(openState(given).state.masterKey).toBe('mine');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('two fleets never share a name', () => {
  const plan = planFleet({ env: {} });
  const [a, b] = [openState(plan), openState(plan)];
  expect(a.state.name).not.toBe(b.state.name);
  for (const { directory } of [a, b]) rmSync(directory, { recursive: true });
});
