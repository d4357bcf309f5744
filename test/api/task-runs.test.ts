/**
 * Goal: a task that a run works on gets its run, and one that is canceled before its run begins ends without
 * one, and keeps no secret.
 * Method: the tasks of a real store, and a Temporal that knows the runs it is told of.
 */
import { MeiliError } from '../../core/errors';
import { fleetTaskUid } from '../../core/ids';
import type { FleetTask } from '../../store/task-types';
import { TaskRuns } from '../../api/task-runs';
import type { TemporalGateway } from '../../api/temporal-gateway';
import { draft, openStore } from '../store/support';
import type { OpenStore } from '../store/support';

let opened: OpenStore;
let started: string[];
let told: string[];
let runs: TaskRuns;
/** Runs that are open; the others are not known. */
let open: Set<string>;

beforeEach(() => {
  opened = openStore();
  started = [];
  told = [];
  open = new Set();
  const temporal = {
    start: ({ workflowId, args }: { workflowId: string; args: readonly object[] }) => {
      started.push(`${workflowId} ${JSON.stringify(args)}`);
      return Promise.resolve({ workflowId, runId: 'r' });
    },
    update: (workflowId: string, name: string) => {
      if (!open.has(workflowId)) throw new MeiliError('miroir_not_found', 'No such run.');
      told.push(`${workflowId} ${name}`);
      return Promise.resolve({});
    },
  };
  const log = { debug: () => undefined, warn: () => undefined } as never;
  runs = new TaskRuns(temporal as unknown as TemporalGateway, opened.store, log);
});
afterEach(() => opened.close());

async function given(uid: number, type: 'export' | 'dumpCreation'): Promise<FleetTask> {
  const task = {
    ...draft({ physicalUid: null, indexUid: null }),
    ...{ uid: fleetTaskUid(uid), type, status: 'enqueued', nodeTasks: [] },
    ...{ details: { url: 'http://a.example' }, extra: { run: { sealedKey: 'sealed' } } },
  } as FleetTask;
  await opened.store.tasks.save(task);
  return task;
}

const now = async (uid: number): Promise<FleetTask | null> =>
  await opened.store.tasks.get(fleetTaskUid(uid));

test('each kind of task gets its own run, which is told no more than the task', async () => {
  await runs.keep(await given(4, 'dumpCreation'));
  await runs.keep(await given(5, 'export'));
  expect(started).toEqual([
    'dump/4 [{"taskUid":4,"who":"client","why":"POST /dumps"}]',
    'export/5 [{"taskUid":5,"who":"client","why":"POST /export"}]',
  ]);
});

test('a run that is open is told of the cancel and ends the task itself', async () => {
  const task = await given(5, 'export');
  open.add('export/5');
  await runs.cancel(task, fleetTaskUid(6));
  await runs.keep(task);
  expect(new Set(told)).toEqual(new Set(['export/5 cancel']));
  expect(started).toEqual([]);
  expect(await now(5)).toMatchObject({ status: 'enqueued', canceledBy: 6 });
});

test('without a run the task ends as canceled, and what the run would have needed is dropped', async () => {
  const task = await given(5, 'export');
  await runs.cancel(task, fleetTaskUid(6));
  await runs.keep(task);
  expect(started).toEqual([]);
  expect(await now(5)).toMatchObject({
    ...{ status: 'canceled', canceledBy: 6, extra: {}, batchUid: 5 },
    ...{ finishedAt: expect.any(String) as string, duration: 'PT0.000S' },
  });
});
