/**
 * Goal: a rollover policy can be set, applied from a file, paused with a note, resumed and backfilled; its
 * schedule in Temporal always says what the record says; and a search that was kept becomes a canary.
 * Method: a pod on a real Temporal that no worker takes runs from; the command line speaks to it, and what
 * stands in Temporal is compared with the records.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { ScheduleDescription } from '@temporalio/client';
import { Command } from 'commander';
import { runCanary } from '../../activities/canaries';
import type { ActivityTools, Call } from '../../activities/tools';
import { registerCanary } from '../../cli/commands/canary';
import { registerRollover } from '../../cli/commands/rollover';
import { canaryScheduleId, rolloverScheduleId } from '../../workflows/ids';
import { temporalForTest } from '../support/temporal';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';

jest.setTimeout(60_000);

const temporal = temporalForTest();
/** The namespace is that of the whole test run. */
const logs = `logs-${temporal.taskQueue}`;
const events = `events-${temporal.taskQueue}`;
const golden = `golden-${temporal.taskQueue}`;
const directory = mkdtempSync(join(tmpdir(), 'miroir-policies-'));
const file = join(directory, 'policies.json');
const before: Record<string, string | undefined> = {};

let fleet: FleetForTest;
let pod: PodForTest;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  fleet = await fleetForTest({
    ...{ nodes: 1, replicationFactor: 1, temporal },
    env: { MIROIR_CANARY_CAPTURE_PER_MILLE: '1000' },
  });
  pod = await fleet.pod();
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  const env = {
    MIROIR_API: await pod.listen(),
    MIROIR_ADMIN_KEY: fleet.config.api.adminKey ?? '',
    MIROIR_MASTER_KEY: fleet.masterKey,
  };
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
  await operate('DELETE', `/_miroir/rollover-policies/${logs}`);
  await operate('DELETE', `/_miroir/rollover-policies/${events}`);
  await operate('DELETE', `/_miroir/canaries/${golden}`);
  await connection.close();
  await fleet.close();
  rmSync(directory, { recursive: true, force: true });
});

const operate = (method: string, path: string, body?: unknown): Promise<Json> =>
  pod.send(method, path, body, { authorization: `Bearer ${fleet.config.api.adminKey}` });
const schedule = (name: string): Promise<ScheduleDescription> =>
  client.schedule.getHandle(rolloverScheduleId(name)).describe();

/** Runs a command as a shell would, and returns what it prints. */
async function miroir(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const log = jest.spyOn(console, 'log').mockImplementation((line) => lines.push(String(line)));
  try {
    const program = new Command('miroir').exitOverride();
    registerRollover(program);
    registerCanary(program);
    await program.parseAsync(args, { from: 'user' });
  } finally {
    log.mockRestore();
  }
  return lines.join('\n');
}

function policyFor(alias: string, maxDocs: number): object {
  return {
    ...{ write_alias: alias, read_alias: `${alias}-read`, pattern: `${alias}-{000001}` },
    // Nothing of this test waits for a run by the clock.
    triggers: { max_docs: maxDocs, check_every: '1h', jitter: '5s', catch_up: '20m' },
    retention: { keep_indexes: 3 },
  };
}

const apply = (policies: object): Promise<string> => {
  writeFileSync(file, JSON.stringify(policies));
  return miroir('rollover', 'apply', file);
};

test('a file sets its policies and their schedules, and changes nothing when it is applied again', async () => {
  const policies = { [logs]: policyFor('logs', 100), [events]: policyFor('events', 5) };
  const first = await apply(policies);
  expect(first).toBe(`${logs} is at version 1.\n${events} is at version 1.`);
  const { spec, policies: terms, state, action } = await schedule(logs);
  expect(spec).toMatchObject({ intervals: [{ every: 3_600_000 }], jitter: 5_000 });
  expect(terms).toMatchObject({ overlap: 'SKIP', catchupWindow: 1_200_000 });
  expect(state).toMatchObject({ paused: false, note: `rollover policy ${logs} version 1` });
  expect(action).toMatchObject({ workflowType: 'scheduledRollover', args: [{ policy: logs }] });

  expect(await apply(policies)).toBe(first);
  const changed = await apply({ ...policies, [logs]: policyFor('logs', 200) });
  expect(changed).toBe(`${logs} is at version 2.\n${events} is at version 1.`);
  expect((await schedule(logs)).state.note).toBe(`rollover policy ${logs} version 2`);
});

test('what is not a policy is refused, and the ones before it stay as they are', async () => {
  const stolen = { ...policyFor('logs', 1), read_alias: 'others' };
  await expect(apply({ thief: stolen })).rejects.toThrow(`managed by the policy \`${logs}\``);
  await expect(apply({ [events]: { write_alias: 'events' } })).rejects.toThrow('pattern');
  writeFileSync(file, '[]');
  await expect(miroir('rollover', 'apply', file)).rejects.toThrow('a map of names');
  expect((await operate('GET', `/_miroir/rollover-policies/${events}`)).body).toMatchObject({
    ...{ version: 1, pattern: 'events-{000001}' },
  });
});

test('a pause stops the schedule, tells why, and outlives the file that is applied again', async () => {
  expect(await miroir('rollover', 'pause', logs, '--note', 'disk is full')).toBe(
    `${logs} is paused.`,
  );
  const paused = { paused: true, note: 'disk is full' };
  expect((await schedule(logs)).state).toMatchObject(paused);
  // A deployment applies its files at each release.
  await apply({ [logs]: policyFor('logs', 300) });
  expect((await schedule(logs)).state).toMatchObject(paused);
  const { body } = await operate('GET', `/_miroir/rollover-policies/${logs}`);
  expect(body).toMatchObject({ enabled: false, pauseNote: 'disk is full' });

  expect(await miroir('rollover', 'resume', logs)).toBe(`${logs} runs.`);
  expect((await schedule(logs)).state.paused).toBe(false);
  const resumed = await operate('GET', `/_miroir/rollover-policies/${logs}`);
  expect(resumed.body).toMatchObject({ enabled: true });
  expect(resumed.body).not.toHaveProperty('pauseNote');

  // What the file does say counts.
  await apply({ [logs]: { ...policyFor('logs', 300), enabled: false } });
  expect((await schedule(logs)).state.paused).toBe(true);
  await apply({ [logs]: { ...policyFor('logs', 300), enabled: true } });
  expect((await schedule(logs)).state.paused).toBe(false);
});

test('a backfill starts the runs of the time that was missed', async () => {
  const span = ['--from', '2026-01-05T00:30:00Z', '--to', '2026-01-05T03:30:00Z'];
  expect(await miroir('rollover', 'backfill', logs, ...span)).toBe('3 runs are started in turn.');
  // The first one waits for a worker, and the others for the first one.
  const runs = await waitFor(
    async () => {
      const { info } = await schedule(logs);
      return info.runningActions.length > 0 ? info.runningActions : null;
    },
    { what: 'the first run of the backfill' },
  );
  expect(runs).toHaveLength(1);
  const [run] = runs;
  const workflowId = run?.type === 'startWorkflow' ? run.workflow.workflowId : '';
  expect(workflowId.startsWith(rolloverScheduleId(logs))).toBe(true);
  expect(workflowId).toContain('2026-01-05T01:00:00Z');
  await client.workflow.getHandle(workflowId).terminate();
});

test.each([
  [{ from: 'yesterday', to: '2026-01-05T00:00:00Z' }, 'expected a time'],
  [{ from: '2026-01-05T00:00:00Z', to: '2026-01-05T00:00:00Z' }, 'must be after'],
  [{ from: '2026-01-05T00:00:00Z', to: '2026-02-05T00:00:00Z' }, 'more than 100 runs'],
  [{ to: '2026-02-05T00:00:00Z' }, 'from'],
])('a backfill of %j is refused', async (body, message) => {
  const answer = await operate('POST', `/_miroir/rollover-policies/${logs}/backfill`, body);
  expect(answer.status).toBe(400);
  expect(answer.body['message']).toContain(message);
});

test.each(['pause', 'resume', 'backfill', 'run'])(
  'to %s what is not there is 404',
  async (verb) => {
    const span = { from: '2026-01-05T00:00:00Z', to: '2026-01-05T02:00:00Z' };
    const body = verb === 'backfill' ? span : {};
    const answer = await operate('POST', `/_miroir/rollover-policies/nothing/${verb}`, body);
    expect([answer.status, answer.body['code']]).toEqual([404, 'miroir_not_found']);
  },
);

test('a note longer than a note is refused, and nothing is paused', async () => {
  const path = `/_miroir/rollover-policies/${events}/pause`;
  expect((await operate('POST', path, { note: 'x'.repeat(501) })).status).toBe(400);
  expect((await schedule(events)).state.paused).toBe(false);
});

/** The canary's own search, as the worker makes it. */
async function runCanaryOnce(id: string): Promise<unknown> {
  const { store } = pod.ctx;
  const searchApi = { url: process.env['MIROIR_API'] ?? '', key: fleet.masterKey };
  const tools = { store, searchApi, clock: { now: () => Date.now() } };
  const call = { signal: new AbortController().signal };
  return await runCanary(tools as ActivityTools, { canary: id }, call as Call);
}

interface Kept {
  readonly id: string;
  readonly ids: readonly string[];
  readonly query: object;
}

test('a search that was kept becomes a canary with its schedule, and a canary is not kept', async () => {
  const documents = Array.from({ length: 5 }, (_, id) => ({ id, title: `lamp ${id}` }));
  await pod.write('POST', '/indexes/shop/documents?primaryKey=id', documents);
  await operate('PUT', `/_miroir/canaries/${golden}`, {
    ...{ index: 'shop', query: { q: 'lamp' }, enabled: false, intervalMs: 3_600_000 },
    assertions: [{ type: 'min_hits', value: 5 }],
  });
  expect(await runCanaryOnce(golden)).toMatchObject({ ok: true });
  await pod.send('POST', '/indexes/shop/search', { q: 'lamp', limit: 3 });
  const kept = await waitFor(
    async () => {
      const { body } = await operate('GET', '/_miroir/captured-queries');
      const all = body['results'] as unknown as Kept[];
      return all.find(({ query }) => 'limit' in query) ?? null;
    },
    { what: 'the search to be kept' },
  );
  // The canary's came before it, so it would be there by now.
  const { body: captured } = await operate('GET', '/_miroir/captured-queries');
  expect(captured['results']).toHaveLength(1);
  expect(await miroir('canary', 'promote', kept.id, golden, '--overlap', '0.5')).toBe(
    `${golden} is set.`,
  );
  expect((await operate('GET', `/_miroir/canaries/${golden}`)).body).toMatchObject({
    ...{ index: 'shop', query: { q: 'lamp', limit: 3 } },
    assertions: [
      { type: 'rank_overlap_at_least', value: 0.5, ids: kept.ids },
      { type: 'min_hits', value: 1 },
    ],
  });
  const { action } = await client.schedule.getHandle(canaryScheduleId(golden)).describe();
  expect(action).toMatchObject({ workflowType: 'scheduledCanary', args: [{ canary: golden }] });

  await expect(miroir('canary', 'promote', 'nothing', golden)).rejects.toThrow('not found');
  await expect(miroir('canary', 'promote', kept.id, golden, '--overlap', '2')).rejects.toThrow();
  expect((await operate('DELETE', `/_miroir/captured-queries/${kept.id}`)).status).toBe(204);
  expect((await operate('GET', '/_miroir/captured-queries')).body['results']).toEqual([]);
});
