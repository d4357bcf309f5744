/**
 * Goal: a deploy strands no run: a worker of a new build goes on with what one of the old build began, each
 * step says which build took it, and before a deploy every open run can be tried on the new build.
 * Method: worker processes of two builds, one after the other, on a real Temporal with embedded nodes; then
 * an open run is replayed on workflows that would not have made it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { groupId } from '../../core/ids';
import type { ProgressView } from '../../core/operations';
import { documentsOf, startFleet } from '../activities/fleet-for-test';
import type { TestFleet } from '../activities/fleet-for-test';
import { builtForTest } from '../support/built';
import { redisForTest } from '../support/redis';
import { temporalForTest } from '../support/temporal';
import { waitFor } from '../support/wait-for';
import { runOptions } from '../workflows/run-for-test';
import { startWorkerProcess } from './worker-for-test';
import type { WorkerProcess } from './worker-for-test';

jest.setTimeout(120_000);

const temporal = temporalForTest();
const workers: WorkerProcess[] = [];
let fleet: TestFleet;
let connection: Connection;
let client: Client;

beforeEach(async () => {
  fleet = await startFleet(2);
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
});
afterEach(async () => {
  for (const { child, ended } of workers.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  await connection.close();
  await fleet.close();
});

async function worker(build: string): Promise<WorkerProcess> {
  const started = await startWorkerProcess(fleet, temporal, { MIROIR_BUILD_ID: build });
  workers.push(started);
  return started;
}

const startRebalance = (name: string): Promise<WorkflowHandle> =>
  client.workflow.start('rebalance', {
    workflowId: `${temporal.taskQueue}/${name}`,
    taskQueue: temporal.taskQueue,
    args: [{ group: groupId(0), parent: null, who: 'ada', why: 'deploy', options: runOptions }],
  });

const phase = (handle: WorkflowHandle, wanted: string): Promise<unknown> =>
  waitFor(async () => (await handle.query<ProgressView, []>('progress')).phase === wanted, {
    what: `the phase ${wanted}`,
    deadlineMs: 60_000,
  });

test('a worker of a new build takes over an open run, and the history names both', async () => {
  await fleet.write(documentsOf(0, 60));
  const old = await worker('1.0.0');
  const handle = await startRebalance('taken-over');
  await phase(handle, 'approve');
  old.child.kill('SIGTERM');
  expect((await old.ended).code).toBe(0);

  await worker('1.1.0');
  await phase(handle, 'approve');
  const plan = await handle.query<{ epoch: number }, []>('plan');
  await handle.executeUpdate('approve', { args: [{ who: 'ada', epoch: plan.epoch }] });
  expect(await handle.result()).toMatchObject({ outcome: 'done' });

  const { events = [] } = await handle.fetchHistory();
  const steps = (events ?? []).flatMap(
    ({ workflowTaskCompletedEventAttributes: done }) => done ?? [],
  );
  const builds = steps.map(
    (done) => done.deploymentVersion?.buildId ?? done.workerVersion?.buildId,
  );
  expect([...new Set(builds)]).toEqual(['1.0.0', '1.1.0']);
  expect(steps.at(-1)?.identity).toMatch(/^worker-.*@1\.1\.0$/);
});

function checkRuns(bundle: string) {
  const { stdout, status } = spawnSync(
    process.execPath,
    [join(builtForTest(), 'worker', 'check-runs.js')],
    {
      encoding: 'utf8',
      env: {
        ...{ PATH: process.env['PATH'], REDIS_URL: redisForTest().url },
        ...{ TEMPORAL_ADDRESS: temporal.address, MIROIR_TEMPORAL_NAMESPACE: temporal.namespace },
        ...{ MIROIR_TASK_QUEUE: temporal.taskQueue, MIROIR_NODE_KEY: fleet.masterKey },
        ...{ MIROIR_ADMIN_KEY: 'admin-key-of-the-worker-test', MIROIR_WORKFLOW_BUNDLE: bundle },
      },
    },
  );
  return {
    status,
    check: JSON.parse(stdout) as { open: number; failed: { workflowId: string }[] },
  };
}

test('open runs are replayed on a build before it is deployed', async () => {
  await fleet.write(documentsOf(0, 60));
  await worker('1.0.0');
  const handle = await startRebalance('checked');
  await phase(handle, 'approve');
  const bundle = temporal.workflowBundlePath ?? '';
  // Visibility is a moment behind.
  const good = await waitFor(
    () => {
      const found = checkRuns(bundle);
      return Promise.resolve(found.check.open === 1 ? found : null);
    },
    { what: 'the run to be listed', deadlineMs: 30_000 },
  );
  expect(good).toEqual({ status: 0, check: { open: 1, failed: [] } });

  const directory = mkdtempSync(join(tmpdir(), 'miroir-deploy-'));
  try {
    const other = join(directory, 'bundle.js');
    const code = readFileSync(bundle, 'utf8').replaceAll('planRebalance', 'planOtherwise');
    writeFileSync(other, code);
    const bad = checkRuns(other);
    expect(bad.status).toBe(1);
    expect(bad.check.failed.map(({ workflowId }) => workflowId)).toEqual([handle.workflowId]);
    // The run itself was not touched.
    expect((await handle.query<ProgressView, []>('progress')).status).toBe('waiting-approval');
  } finally {
    rmSync(directory, { recursive: true, force: true });
    await handle.terminate('the test is over');
  }
});
