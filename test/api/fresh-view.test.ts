/**
 * Goal: who starts an operation again does not see the end of the run before it.
 * Method: views in a real store, as an earlier run and the new one have written them.
 */
import { freshViews } from '../../api/fresh-view';
import type { JobView } from '../../store/record-types';
import { openStore } from '../store/support';
import type { OpenStore } from '../store/support';

let pod: OpenStore;
const log = { debug: jest.fn(), info: jest.fn(), warn: jest.fn(), error: jest.fn() };
const view = (runId: string): JobView => ({
  ...{ id: 'reshard/films', kind: 'reshard', status: 'succeeded', phase: 'done', index: 'films' },
  progress: { done: 4, total: 4, documentsCopied: 9 },
  ...{ startedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:01Z' },
  finishedAt: '2026-01-01T00:00:01Z',
  temporal: { workflowId: 'reshard/films', runId },
  ...{ who: 'ann', why: 'growth', error: 'none' },
});

beforeAll(() => {
  pod = openStore();
});
afterAll(() => pod.close());

test('the view of an earlier run becomes one of a run that has begun', async () => {
  await pod.store.jobs.put(view('run-1'));
  await freshViews(pod.store, log)({ workflowId: 'reshard/films', runId: 'run-2' });
  const now = await pod.store.jobs.get('reshard/films');
  expect(now).toMatchObject({ status: 'running', phase: 'start', index: 'films' });
  expect(now).toMatchObject({ progress: { done: 0 }, temporal: { runId: 'run-2' } });
  expect(now).not.toHaveProperty('finishedAt');
  expect(now).not.toHaveProperty('error');
});

test('the view that the new run has written stays', async () => {
  await pod.store.jobs.put(view('run-2'));
  await freshViews(pod.store, log)({ workflowId: 'reshard/films', runId: 'run-2' });
  expect(await pod.store.jobs.get('reshard/films')).toEqual(view('run-2'));
});

test('without a view there is nothing to do', async () => {
  await freshViews(pod.store, log)({ workflowId: 'reshard/none', runId: 'run-1' });
  expect(await pod.store.jobs.get('reshard/none')).toBeNull();
  expect(log.warn).not.toHaveBeenCalled();
});
