/**
 * Goal: the schedules of backups and drills can be set, changed, paused with a note, run now and deleted; what an
 * operator says wins over the configuration and outlives a worker's start; Temporal has what is shown.
 * Method: pods on a real Temporal that no worker takes runs from; the command line speaks to one of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { ScheduleDescription } from '@temporalio/client';
import { Command } from 'commander';
import { registerBackup } from '../../cli/commands/backup';
import { loadConfig } from '../../config/load';
import type { ArchiveScheduleName } from '../../core/archives/types';
import { restoreSchedules } from '../../worker/schedules';
import { archiveScheduleIds } from '../../workflows/archive-schedules';
import { ownNamespaceForTest } from '../support/temporal';
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';

jest.setTimeout(60_000);

const location = mkdtempSync(join(tmpdir(), 'miroir-schedules-'));
const path = '/_miroir/backups/schedules';
const silent = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const before: Record<string, string | undefined> = {};

let fleet: FleetForTest;
let pod: PodForTest;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  const temporal = await ownNamespaceForTest();
  fleet = await fleetForTest({
    ...{ nodes: 1, replicationFactor: 1, temporal },
    env: { MIROIR_BACKUPS_LOCATION: location, MIROIR_DUMPS_LOCATION: location },
  });
  pod = await fleet.pod();
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  const env = { MIROIR_API: await pod.listen(), MIROIR_ADMIN_KEY: fleet.config.api.adminKey ?? '' };
  for (const [name, value] of Object.entries(env)) {
    before[name] = process.env[name];
    process.env[name] = value;
  }
});
afterAll(async () => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  await connection.close();
  await fleet.close();
  rmSync(location, { recursive: true, force: true });
});
afterEach(async () => {
  for (const name of ['backup', 'drill']) await operate('DELETE', `${path}/${name}`);
});

const operate = (method: string, to: string, body?: unknown): Promise<Json> =>
  pod.send(method, to, body, { authorization: `Bearer ${fleet.config.api.adminKey}` });
const schedule = (name: ArchiveScheduleName): Promise<ScheduleDescription> =>
  client.schedule.getHandle(archiveScheduleIds[name]).describe();

/** Runs a command as a shell would, and returns what it prints. */
async function miroir(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const log = jest.spyOn(console, 'log').mockImplementation((line) => lines.push(String(line)));
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
  try {
    const program = new Command('miroir').exitOverride();
    registerBackup(program);
    await program.parseAsync(args, { from: 'user' });
  } finally {
    log.mockRestore();
    write.mockRestore();
  }
  return lines.join('\n');
}
const schedules = (...args: string[]): Promise<string> => miroir('backup', 'schedule', ...args);

/** What a worker with this configuration does when it starts. */
async function workerStarts(env: Record<string, string> = {}): Promise<void> {
  const config = loadConfig({ env: { ...fleet.env, ...env } });
  await restoreSchedules(client, { store: pod.ctx.store, config, log: silent, owner: 'worker-1' });
}

test('one that nobody wants is off, and cannot be paused', async () => {
  expect(await schedules('list')).toMatch(/backup +off[^]*drill +off/);
  await expect(schedules('pause', 'backup')).rejects.toThrow('set it first');
  await expect(schedule('backup')).rejects.toThrow();
  expect((await operate('GET', path)).body['results']).toMatchObject([
    { name: 'backup', source: 'none', everyMs: null, next: null },
    { name: 'drill', source: 'none', everyMs: null, keep: null },
  ]);
});

test('it is set, changed, and deleted', async () => {
  await schedules('set', 'backup', '--every', '1d', '--jitter', '5m', '--keep', '3');
  const { spec, policies, state, action } = await schedule('backup');
  expect(spec).toMatchObject({ intervals: [{ every: 86_400_000 }], jitter: 300_000 });
  expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 600_000 });
  expect(state).toMatchObject({ paused: false, note: `backups to ${location}` });
  expect(action).toMatchObject({ workflowType: 'scheduledBackup', args: [{ keep: 3 }] });

  expect(await schedules('set', 'backup', '--every', '12h')).toMatch(/operator +runs +12h +7/);
  const changed = await schedule('backup');
  // A tenth of the time, but half a minute at most, where nobody says otherwise.
  expect(changed.spec).toMatchObject({ intervals: [{ every: 43_200_000 }], jitter: 30_000 });
  expect(changed.action).toMatchObject({ args: [{ keep: 7 }] });
  const { body } = await operate('GET', `${path}/backup`);
  expect(Date.parse(String(body['next']))).toBeGreaterThan(Date.now() - 1_000);

  await schedules('set', 'drill', '--every', '7d');
  expect((await schedule('drill')).action).toMatchObject({ workflowType: 'scheduledDrill' });

  expect(await schedules('delete', 'backup')).toBe('backup is as the configuration says.');
  await expect(schedule('backup')).rejects.toThrow();
  expect((await operate('DELETE', `${path}/backup`)).status).toBe(404);
});

test('a pause tells why, and outlives a change and the start of a worker', async () => {
  await schedules('set', 'backup', '--every', '1d');
  const shown = await schedules('pause', 'backup', '--note', 'storage moves');
  expect(shown).toContain('paused storage moves');
  const paused = { paused: true, note: 'storage moves' };
  expect((await schedule('backup')).state).toMatchObject(paused);
  await schedules('set', 'backup', '--every', '2d');
  await workerStarts();
  const { state, spec } = await schedule('backup');
  expect(state).toMatchObject(paused);
  expect(spec.intervals).toMatchObject([{ every: 172_800_000 }]);
  expect((await operate('GET', `${path}/backup`)).body['next']).toBeNull();
  await schedules('resume', 'backup');
  expect((await schedule('backup')).state).toMatchObject({ paused: false });
});

test('one of the configuration is paused and changed like any other, and comes back', async () => {
  const configured = { MIROIR_BACKUPS_EVERY_MS: '3600000', MIROIR_BACKUPS_KEEP: '5' };
  await workerStarts(configured);
  const first = await schedule('backup');
  expect(first.spec.intervals).toMatchObject([{ every: 3_600_000 }]);
  expect(first.action).toMatchObject({ args: [{ keep: 5 }] });
  await operate('PUT', `${path}/backup`, { every: '2h' });
  await workerStarts(configured);
  expect((await schedule('backup')).spec.intervals).toMatchObject([{ every: 7_200_000 }]);
  await operate('DELETE', `${path}/backup`);
  await workerStarts(configured);
  expect((await schedule('backup')).spec.intervals).toMatchObject([{ every: 3_600_000 }]);
  // Switched off in the configuration, it goes with the next start.
  await workerStarts();
  await expect(schedule('backup')).rejects.toThrow();
});

test('it runs now, one at a time', async () => {
  const started = await operate('POST', `${path}/backup/run`);
  expect([started.status, started.body['operation']]).toEqual([202, 'backup/all']);
  const second = await operate('POST', `${path}/backup/run`);
  expect(second.body['code']).toBe('miroir_operation_refused');
  expect(await schedules('run', 'drill')).toBe('Running: miroir ops watch restore-drill/all');
  for (const id of ['backup/all', 'restore-drill/all']) {
    await client.workflow.getHandle(id).terminate();
  }
});

test.each([
  ['backup', { every: '10s' }, 'every'],
  ['backup', { every: 'daily' }, 'every'],
  ['backup', { every: '1d', keep: 0 }, 'keep'],
  ['backup', { every: '1d', jitter: '-5m' }, 'jitter'],
  ['backup', { every: '1d', hours: 3 }, 'hours'],
  ['drill', { every: '1d', keep: 3 }, 'keep'],
])('for %s %j is refused', async (name, body, word) => {
  const answer = await operate('PUT', `${path}/${name}`, body);
  expect(answer.status).toBe(400);
  expect(answer.body['message']).toContain(word);
});

test('there are two of them', async () => {
  for (const [method, to] of [
    ['GET', `${path}/dumps`],
    ['PUT', `${path}/dumps`],
    ['POST', `${path}/dumps/run`],
  ] as const) {
    expect((await operate(method, to, {})).status).toBe(404);
  }
});
