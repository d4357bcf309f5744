import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { SettingsInput, SettingsReport } from '../core/operations';
import { operate } from './handlers';
import { longWait } from './policies';

const { broadcastSettings } = proxyActivities<Pick<Activities, 'broadcastSettings'>>(longWait);

/**
 * Compares the settings on every node that holds the index with the wanted ones, applies what differs
 * and notes the version each node has. Point of no return: none; it repeats what is already decided.
 */
export async function settingsBroadcast(input: SettingsInput): Promise<SettingsReport> {
  return operate(
    {
      kind: 'settings',
      origin: { who: input.who, why: input.why },
      index: input.physicalUid,
      total: 1,
      documentsPerSecond: null,
    },
    async (operation) => {
      await operation.enter('apply');
      const report = await operation.cancellable(() => broadcastSettings(input));
      operation.state.done = 1;
      operation.state.phase = 'done';
      await operation.finish('succeeded', null);
      return report;
    },
  );
}
