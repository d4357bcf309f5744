/**
 * Goal: a migration follows the old instance until somebody says that its writers have stopped, cuts over
 * only after a look that found nothing with no write around it, and undoes everything otherwise.
 * Method: the real workflow on a real Temporal with activities that write down their calls.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { epoch } from '../../core/ids';
import type { MigrationInput, MigrationReport } from '../../core/migration';
import type { ProgressView } from '../../core/operations';
import { waitFor } from '../support/wait-for';
import { FakeWorld, runOptions, startRuns } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(90_000);

const who = { who: 'ada' };

describe('a migration', () => {
  let world: FakeWorld;
  let runs: TestRuns;

  beforeEach(async () => {
    world = new FakeWorld();
    runs = await startRuns(world);
  });

  afterEach(() => runs.close());

  const start = (overrides: Partial<MigrationInput> = {}) =>
    runs.start('migrateInstance', {
      ...{ source: { url: 'http://old:7700', secret: 'secret-1' }, indexes: null, keys: true },
      ...{ ...who, why: 'test' },
      options: { ...runOptions, autoApprove: true, followEveryMs: 60_000 },
      ...overrides,
    });
  const atSwitch = (handle: WorkflowHandle, text = 'the switch') =>
    waitFor(
      async () => {
        const { progress, phase } = await handle.query<ProgressView, []>('progress');
        if (phase === 'follow' && progress.waitingFor?.includes(text) === true) return true;
        throw new Error(`${phase} ${progress.waitingFor ?? ''}`);
      },
      { what: text },
    );
  const proceed = (handle: WorkflowHandle) => handle.executeUpdate('proceed', { args: [who] });
  const loaded = ['planMigration', 'prepareStaging', 'markSource', 'level', 'markSource'];
  const busy = { newest: 9, busy: true, what: 'documentAdditionOrUpdate of films' };

  test('loads, follows, settles, verifies, makes keys, and cuts over at last', async () => {
    const handle = await start();
    await atSwitch(handle);
    await proceed(handle);
    const report = (await handle.result()) as MigrationReport;
    expect(report).toMatchObject({ outcome: 'done', indexes: ['films'], verified: 10, keys: 1 });
    expect(world.calls).toEqual([
      ...loaded,
      ...['markSource', 'level', 'markSource', 'compare', 'markSource', 'newIndexes'],
      ...['copyKeys', 'publishIndexes', 'forgetSecret'],
    ]);
    expect(world.view(handle.workflowId)).toMatchObject({
      ...{ kind: 'migration', status: 'succeeded', phase: 'done' },
    });
  });

  test('an old instance that still takes writes is followed on, and nothing is cut over', async () => {
    const handle = await start();
    await atSwitch(handle);
    world.answer('markSource', ...Array.from({ length: 10 }, () => busy));
    await proceed(handle);
    await atSwitch(handle, 'still takes writes (documentAdditionOrUpdate of films)');
    expect(world.calls).not.toContain('publishIndexes');
    await proceed(handle);
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
  });

  test('a difference in the comparison is brought over and compared again', async () => {
    const handle = await start({ keys: false });
    await atSwitch(handle);
    const found = { offset: 10, compared: 10, sent: 1, deleted: 0 };
    world.answer(
      'levelIndex',
      { outcome: 'done', settings: 'abc', cursor: { ...found, sent: 0 } },
      { outcome: 'done', settings: 'abc', cursor: found },
    );
    await proceed(handle);
    await handle.result();
    const after = world.calls.slice(loaded.length);
    expect(after.filter((call) => call === 'compare' || call === 'level')).toEqual([
      ...['level', 'compare', 'level', 'compare'],
    ]);
    expect(after).not.toContain('copyKeys');
  });

  test('an index that appeared meanwhile holds the switch', async () => {
    world.answer('newIndexes', ['later']);
    const handle = await start();
    await atSwitch(handle);
    await proceed(handle);
    await atSwitch(handle, 'it got the indexes later');
    await proceed(handle);
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
  });

  test('a cancel takes away what was made, and the key of the old instance', async () => {
    const handle = await start();
    await atSwitch(handle);
    await handle.executeUpdate('cancel', { args: [who] });
    await expect(handle.result()).rejects.toThrow();
    expect(world.calls.slice(loaded.length)).toEqual(['undoMigration ', 'forgetSecret']);
    expect(world.view(handle.workflowId)).toMatchObject({ status: 'canceled' });
  });

  test('a name that was taken at the last moment undoes it, keys included', async () => {
    world.answer('publishIndexes', { ok: false, reason: 'films is there already' });
    const handle = await start();
    await atSwitch(handle);
    await proceed(handle);
    await expect(handle.result()).rejects.toThrow();
    expect(world.calls.slice(-3)).toEqual([
      'publishIndexes',
      'undoMigration key-1',
      'forgetSecret',
    ]);
    expect(world.view(handle.workflowId)).toMatchObject({
      ...{ status: 'failed', error: 'cut-over-refused: films is there already' },
    });
  });

  test('a plan that is refused changes nothing and forgets the key', async () => {
    world.answer('planMigration', {
      ...{ kind: 'migration', epoch: epoch(5), source: 'http://old:7700', version: '1.50.0' },
      ...{ indexes: [], keys: 0, documents: 0, bytes: 0, minutes: 0, notes: [] },
      refused: ['the fleet has an index or alias films already'],
    });
    const handle = await start();
    await expect(handle.result()).rejects.toThrow();
    expect(world.calls).toEqual(['planMigration', 'forgetSecret']);
  });

  test('a pause stops between pages, and a run that follows for long goes on in a new one', async () => {
    const paused = { offset: 5, compared: 5, sent: 5, deleted: 0 };
    world.answer('levelIndex', { outcome: 'paused', settings: 'abc', cursor: paused });
    let newest = 100;
    const marks = Array.from({ length: 40 }, () => ({
      newest: (newest += 1),
      busy: false,
      what: 'w',
    }));
    world.answer('markSource', ...marks);
    const options = { ...runOptions, autoApprove: true, followEveryMs: 100, historyEventsMax: 100 };
    const handle = await start({ options });
    const first = (await handle.describe()).runId;
    await waitFor(
      async () => {
        const { runId } = await runs.client.workflow.getHandle(handle.workflowId).describe();
        return runId !== first;
      },
      { what: 'a new run', deadlineMs: 30_000 },
    );
    const latest = runs.client.workflow.getHandle(handle.workflowId);
    await atSwitch(latest);
    world.answers.set('markSource', []);
    // Updates reach the new run.
    await proceed(latest);
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    for (const name of ['planMigration', 'prepareStaging', 'publishIndexes']) {
      expect(world.calls.filter((call) => call === name)).toEqual([name]);
    }
  });
});
