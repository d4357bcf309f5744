/**
 * Goal: who starts a run and waits for it is told of that run's end, not of an earlier one's.
 * Method: an api that answers with one view after another.
 */
import type { ApiClient } from '../../cli/client';
import { ApiError } from '../../cli/client';
import { shownRun, watchOperation } from '../../cli/operations';
import type { Screen } from '../../cli/ui';

const screen = {
  bar: () => ({ set: () => undefined, end: () => undefined }),
} as unknown as Screen;

const view = (runId: string, status: string): object => ({
  ...{ id: 'anti-entropy', kind: 'anti-entropy', status, phase: status },
  progress: { done: 0, total: 1, documentsCopied: 0, waitingFor: null },
  temporal: { workflowId: 'anti-entropy', runId },
});

/** The last one stays; null: there is none yet. */
function apiOf(...views: (object | null)[]): ApiClient {
  const left = [...views];
  const get = (): Promise<object> => {
    const next = left.length > 1 ? left.shift() : left[0];
    if (next !== null && next !== undefined) return Promise.resolve(next);
    return Promise.reject(new ApiError(404, 'miroir_not_found', 'Operation not found.'));
  };
  return { get } as unknown as ApiClient;
}

const watch = (api: ApiClient, after: string | null) =>
  watchOperation(api, 'anti-entropy', screen, { after });

test('the first run of all has no view at first', async () => {
  expect(await shownRun(apiOf(null), 'anti-entropy')).toBeNull();
  const api = apiOf(null, view('one', 'running'), view('one', 'succeeded'));
  expect(await watch(api, null)).toMatchObject({ status: 'succeeded' });
});

test('the end of the run before does not count', async () => {
  const old = view('one', 'failed');
  expect(await shownRun(apiOf(old), 'anti-entropy')).toBe('one');
  const api = apiOf(old, old, view('two', 'running'), view('two', 'succeeded'));
  expect(await watch(api, 'one')).toMatchObject({ status: 'succeeded' });
});

test('a run that goes on as another one is followed to its end', async () => {
  const api = apiOf(view('two', 'running'), view('three', 'running'), view('three', 'canceled'));
  expect(await watch(api, 'one')).toMatchObject({ status: 'canceled' });
});

test('what was never started is not waited for', async () => {
  const watched = watchOperation(apiOf(null), 'anti-entropy', screen);
  await expect(watched).rejects.toMatchObject({ status: 404 });
});
