/**
 * Goal: an export asks the other side about each index before it sends it, and its task ends as the run.
 * Method: the real workflow on a real Temporal with activities that write down their calls.
 */
import { ApplicationFailure } from '@temporalio/common';
import { waitFor } from '../support/wait-for';
import { FakeWorld, startRuns } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(60_000);

const input = { taskUid: 7, who: 'client', why: 'test' };

describe('exports', () => {
  let world: FakeWorld;
  let runs: TestRuns;

  beforeEach(async () => {
    world = new FakeWorld();
    runs = await startRuns(world);
  });

  afterEach(() => runs.close());

  const before = ['beginTask', 'awaitTasks', 'planExport'];

  test('each index is asked for before it is sent, and the task says what was sent', async () => {
    const handle = await runs.start('exportIndexes', input);
    expect(await handle.result()).toEqual({
      upToTask: 7,
      indexes: [
        { uid: 'books', documents: 4 },
        { uid: 'films', documents: 4 },
      ],
    });
    expect(world.calls).toEqual([
      ...before,
      ...['inspectRemote', 'exportIndex books new', 'inspectRemote', 'exportIndex films there'],
      ...['noteExported books,films', 'endTask succeeded'],
    ]);
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'succeeded', phase: 'done' });
  });

  test('an index that was deleted meanwhile is left out', async () => {
    world.answer('exportIndex', null);
    const handle = await runs.start('exportIndexes', input);
    expect(await handle.result()).toMatchObject({ indexes: [{ uid: 'films' }] });
    expect(world.calls).toContain('noteExported films');
  });

  test('a wrong filter fails the task before anything is sent', async () => {
    world.fail('planExport', ApplicationFailure.nonRetryable('not filterable', 'export-filter'));
    const handle = await runs.start('exportIndexes', input);
    await expect(handle.result()).rejects.toThrow();
    expect(world.calls).toEqual([...before, 'endTask failed']);
  });

  test('a cancel ends the task as canceled', async () => {
    const gate = world.gate('exportIndex');
    const handle = await runs.start('exportIndexes', input);
    await waitFor(() => gate.reached > 0, { what: 'an index to be sent' });
    await handle.executeUpdate('cancel', { args: [{ who: 'ada' }] });
    await expect(handle.result()).rejects.toThrow();
    expect(world.calls.at(-1)).toBe('endTask canceled');
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'canceled' });
  });
});
