/**
 * Goal: runs that are open while a new version is rolled out go on: the present workflows make the same
 * decisions on recorded histories.
 * Method: recorded histories of every workflow are replayed on the present bundle. A changed history is
 * also replayed and must be refused, so that the check itself is known to work.
 * With MIROIR_RECORD=1 the histories are recorded first (see record.ts).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { ReplayWorkerOptions } from '@temporalio/worker';
import { workflowTypes } from '../../workflows/messages';
import { temporalForTest } from '../support/temporal';
import { histories, historyOf, record } from './record';

jest.setTimeout(300_000);

const files = (): string[] => readdirSync(histories).filter((name) => name.endsWith('.json'));
const textOf = (name: string): string => readFileSync(join(histories, name), 'utf8');

describe('recorded histories', () => {
  let options: ReplayWorkerOptions;

  beforeAll(async () => {
    if (process.env['MIROIR_RECORD'] === '1') await record();
    const { workflowBundlePath } = temporalForTest();
    if (workflowBundlePath === null) throw new Error('the workflows were not bundled');
    options = { workflowBundle: { codePath: workflowBundlePath } };
    try {
      const logger = new DefaultLogger('ERROR', () => undefined);
      Runtime.install({ logger, shutdownSignals: [] });
    } catch (error) {
      // The recording has installed it.
      if ((error as Error).name !== 'IllegalStateError') throw error;
    }
  });

  const replay = (text: string): Promise<void> =>
    Worker.runReplayHistory(options, historyOf(text), 'replayed');

  test('every workflow type has one', () => {
    const types = files().map((name) => {
      const { events } = JSON.parse(textOf(name)) as {
        events: { workflowExecutionStartedEventAttributes?: { workflowType: { name: string } } }[];
      };
      return events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name;
    });
    expect([...new Set(types)].sort()).toEqual(Object.keys(workflowTypes).sort());
  });

  test.each(files())('%s replays', async (name) => {
    await replay(textOf(name));
  });

  test('a history that the workflows would not make is refused', async () => {
    const move = files().find((name) => name.startsWith('sync-shards-move'));
    const changed = textOf(move ?? '').replaceAll('"verifyCopy"', '"copyRanges"');
    await expect(replay(changed)).rejects.toMatchObject({ name: 'DeterminismViolationError' });
  });
});
